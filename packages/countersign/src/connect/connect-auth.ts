import { type ContextValues, createContextValues } from "@connectrpc/connect";
import type { ConnectNodeAdapterOptions } from "@connectrpc/connect-node";
import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { admissionOf, connectionKey } from "./admission.ts";
import { gateOf } from "./gate.ts";
import { guardRoutes } from "./guarded-routes.ts";
import { interceptorOf } from "./interceptor.ts";
import { report } from "./report.ts";

export interface ConnectAuthOptions<U extends UserAccount> {
  /** Where `context.user()` reads the caller's account. */
  readonly users?: UserSource<U>;
  /** Told of what a handler threw that was not meant for the caller. Default: `console.error`. */
  readonly onError?: (error: unknown, procedure: string) => void;
}

/** What a handler of Connect's is given, as far as it is needed. */
interface WithValues {
  readonly values: ContextValues;
}

/** Authentication for Connect routes, in the protocols Connect, gRPC and gRPC-Web. */
export interface ConnectAuth<P extends Principal, U extends UserAccount> {
  /**
   * The same routes, each behind the guard, as options of whatever serves them: `connectListener(guard, { routes })` of
   * `countersign/connect/node` asks for them itself; adapters of others take them (`expressConnectMiddleware`,
   * `createRouterTransport`). Routes throw a `TypeError` that names the RPCs for which there is no rule. `readMaxBytes` is
   * 4 MiB by default.
   */
  protect(options: ConnectNodeAdapterOptions): ConnectNodeAdapterOptions;
  /** Tells `onError` of a failure outside of every handler. */
  report(error: unknown, procedure: string): void;
  /** The context of a call, inside its handler. */
  context(handler: WithValues): CallContext<P, U>;
  /** The caller, inside a handler. Undefined where the rule let an anonymous call through. */
  principal(handler: WithValues): P | undefined;
}

/** Guards Connect routes with an `Auth`. */
export function connectAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: ConnectAuthOptions<U> = {},
): ConnectAuth<P, U> {
  const { users, onError = logError } = options;
  const gate = gateOf(auth, users);
  const interceptor = interceptorOf(auth, onError);
  const context = ({ values }: WithValues): CallContext<P, U> =>
    admissionOf(values).context as CallContext<P, U>;
  const protect = (given: ConnectNodeAdapterOptions): ConnectNodeAdapterOptions => ({
    ...given,
    routes: guardRoutes(given.routes, { policy: auth, gate, interceptor, options: given }),
    contextValues: (request) =>
      (given.contextValues?.(request) ?? createContextValues()).set(connectionKey, { request }),
  });
  return Object.freeze({
    context,
    principal: (handler: WithValues) => context(handler).principal,
    protect,
    report: (error: unknown, procedure: string) => report(onError, error, procedure),
  });
}

function logError(error: unknown, procedure: string): void {
  console.error(`countersign: ${procedure} failed:`, error);
}
