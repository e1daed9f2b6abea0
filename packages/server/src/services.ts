import type { DescService } from "@bufbuild/protobuf";
import { type Auth, type Principal, principalOf, type Revocations } from "countersign";
import { apiKey, createKeyDigests } from "countersign/api-key";
import type { ServiceHandlers } from "countersign/grpc";
import type { Shadow } from "countersign/policy";
import {
  ApiKeyService,
  AuthService,
  createApiKeyService,
  createAuthService,
  createPolicyService,
  createRefreshTokens,
  createSeal,
  createUserService,
  PolicyService,
  UserService,
  validatesApiKeys,
} from "countersign/service";
import type { Store } from "countersign/store";
import { peppersOf } from "./authentication.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { createDemoUserService } from "./demo/user-service.ts";
import { UserService as DemoUserService } from "./gen/api/users/users_pb.ts";
import { deriveKeys } from "./master-key.ts";
import { createPasswords } from "./passwords.ts";
import type { Signing } from "./signing.ts";

/** A service and what implements it, for any door. */
export interface ServedService {
  readonly descriptor: DescService;
  readonly handlers: ServiceHandlers<DescService>;
}

export interface ServiceParts {
  readonly config: Config;
  readonly store: Store;
  readonly revocations: Revocations;
  readonly signing: Signing | undefined;
  readonly auth: Auth<Principal>;
  readonly shadow: Shadow | undefined;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
}

/** What the configuration names, put together. Throws a `ConfigError` for a name that is not known. */
export function servicesOf(parts: ServiceParts): readonly ServedService[] {
  const catalogue = catalogueOf(parts);
  return [...new Set(parts.config.services)].map((name) => {
    const make = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
    if (make === undefined) {
      throw new ConfigError(
        `services: "${name}" is not known; there are ${Object.keys(catalogue).join(", ")}`,
      );
    }
    return make();
  });
}

function catalogueOf(parts: ServiceParts): Readonly<Record<string, () => ServedService>> {
  const { config, store, caughtUp } = parts;
  const passwords = createPasswords();
  const { environment, prefix } = config.auth.api_keys;
  const digests = createKeyDigests(peppersOf(config));
  return {
    [AuthService.typeName]: () => served(AuthService, authService(parts, passwords)),
    [UserService.typeName]: () =>
      served(
        UserService,
        createUserService({
          users: store.users,
          sessions: store.sessions,
          hashPassword: passwords.hash,
          caughtUp,
        }),
      ),
    [ApiKeyService.typeName]: () =>
      served(
        ApiKeyService,
        createApiKeyService({ store, digests, environment, format: { prefix }, caughtUp }),
      ),
    [PolicyService.typeName]: () => served(PolicyService, policyService(parts)),
    [DemoUserService.typeName]: () =>
      served(DemoUserService, createDemoUserService({ users: store.users, caughtUp })),
  };
}

function served<S extends DescService>(descriptor: S, handlers: ServiceHandlers<S>): ServedService {
  return { descriptor, handlers: handlers as ServiceHandlers<DescService> };
}

/** Over the store and the policy that it is given. */
export function policyService({
  auth,
  shadow,
  store,
}: Pick<ServiceParts, "auth" | "shadow" | "store">): ServiceHandlers<typeof PolicyService> {
  return createPolicyService({
    policy: auth,
    shadow: shadow === undefined ? undefined : () => shadow.report(),
    async principal(userId) {
      const user = await store.users.load(userId);
      if (user === undefined) return undefined;
      return user.isActive ? principalOf(user, { authenticator: "jwt" }) : "disabled";
    },
  });
}

function authService(
  { config, store, revocations, signing, caughtUp }: ServiceParts,
  passwords: ReturnType<typeof createPasswords>,
): ServiceHandlers<typeof AuthService> {
  if (signing === undefined) throw new ConfigError("auth.jwt has no key, and AuthService signs tokens");
  const { jwt, sessions, api_keys: apiKeys } = config.auth;
  const keys = deriveKeys(config);
  const authenticator = apiKey({
    keys: store.apiKeys,
    users: store.users,
    peppers: peppersOf(config),
    prefix: apiKeys.prefix,
  });
  return createAuthService({
    store,
    passwords,
    caughtUp,
    signingKey: () => signing.key,
    issuer: jwt.issuer,
    audience: jwt.audience,
    name: jwt.issuer ?? "Countersign",
    refreshTokens: createRefreshTokens(keys.refresh),
    seal: createSeal(keys.seal),
    lifetimes: {
      access: jwt.access_lifetime,
      refresh: sessions.refresh_lifetime,
      session: sessions.maximum_lifetime,
    },
    validateApiKey: validatesApiKeys({ authenticator, revocations }),
  });
}
