import type { Auth, Principal, Revocations, RoleDirectory } from "countersign";
import { FormRoutes } from "countersign/http/form";
import {
  type AskingLimits,
  AuthService,
  createAskingLimits,
  createRefreshTokens,
  createTokenEndpoints,
  tokenRoutes,
} from "countersign/service";
import type { Store } from "countersign/store";
import { tokenAuthenticator } from "./authentication.ts";
import type { Config } from "./config/config.ts";
import type { FairQueue } from "./fair-queue.ts";
import type { HttpHandler } from "./listen/http.ts";
import { deriveKeys } from "./master-key.ts";
import type { Signing } from "./signing.ts";
import { bareValue, presentedKeys } from "./stored-keys.ts";

/** How often one caller may ask about other people's credentials, on this node. */
export function askingLimits({ auth: { limits } }: Config): AskingLimits {
  const { key_validations: perMinute, wrong_key_validations: wrongPerMinute } = limits;
  return createAskingLimits({ perMinute, wrongPerMinute });
}

export interface TokenEndpointParts {
  readonly config: Config;
  readonly auth: Auth<Principal>;
  readonly store: Store;
  readonly roles: RoleDirectory;
  readonly signing: Signing;
  readonly revocations: Revocations;
  readonly asking: AskingLimits;
  readonly caughtUp: () => Promise<void>;
  readonly onError: (error: unknown, procedure: string) => void;
  readonly hashing?: FairQueue | undefined;
}

/** Where they are, by the names of the metadata (RFC 8414 section 2). */
export const tokenEndpointPaths = Object.freeze({
  introspection_endpoint: "/oauth/introspect",
  revocation_endpoint: "/oauth/revoke",
});

/** `POST /oauth/introspect` (RFC 7662) and `POST /oauth/revoke` (RFC 7009). None where nothing issues tokens. */
export function tokenEndpoints(parts: TokenEndpointParts): readonly HttpHandler[] {
  const { config, auth, store, roles, signing, revocations, asking, caughtUp, onError, hashing } = parts;
  if (!config.services.includes(AuthService.typeName)) return [];
  const endpoints = createTokenEndpoints({
    store,
    roles,
    revocations,
    caughtUp,
    accessTokens: tokenAuthenticator(config, store, signing, bareValue),
    apiKeys: presentedKeys({ config, store, hashing }),
    refreshTokens: createRefreshTokens(...deriveKeys(config).refresh),
    issuer: config.auth.jwt.issuer,
    limits: asking,
  });
  const { header: name, scheme } = config.auth.api_keys;
  const routes = new FormRoutes(auth, { users: store.users, basicAs: { name, scheme }, onError });
  const { introspect, revoke } = tokenRoutes(endpoints);
  routes.add(tokenEndpointPaths.introspection_endpoint, introspect);
  routes.add(tokenEndpointPaths.revocation_endpoint, revoke);
  return [(request, response) => routes.handle(request, response)];
}
