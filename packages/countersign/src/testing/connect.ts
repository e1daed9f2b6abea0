import { type ConnectRouter, createRouterTransport, type Transport } from "@connectrpc/connect";
import type { Credential } from "../client/credential.ts";
import { createAuthenticatedTransport } from "../connect/client/authenticated-transport.ts";
import { type ConnectAuthOptions, connectAuth } from "../connect/connect-auth.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";

export interface TestTransportOptions<U extends UserAccount> extends ConnectAuthOptions<U> {
  /** What each call shows. Default: nothing. */
  readonly credential?: Credential | undefined;
}

/**
 * Routes behind an `Auth`, in memory: no port and no bytes, but the same guard. `createClient(UserService,
 * createTestTransport(auth, (router) => router.service(UserService, implement(UserService, handlers)), { credential }))`. Throws
 * as the listener does for an RPC without a rule.
 */
export function createTestTransport<P extends Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  routes: (router: ConnectRouter) => unknown,
  { credential, ...options }: TestTransportOptions<U> = {},
): Transport {
  const protectedRoutes = connectAuth<P, U>(auth, options).protect({
    routes: (router) => void routes(router),
  });
  const { routes: guarded, ...router } = protectedRoutes;
  if (credential === undefined) return createRouterTransport(guarded, { router });
  return createAuthenticatedTransport(credential, (interceptors) =>
    createRouterTransport(guarded, { router, transport: { interceptors } }),
  );
}
