import type { DescService } from "@bufbuild/protobuf";
import { type Auth, type Principal, principalOf, type Revocations, type RoleDirectory } from "countersign";
import { createKeyDigests, type KeyDigests } from "countersign/api-key";
import type { ServiceHandlers } from "countersign/grpc";
import { createTokenVerifier } from "countersign/jwt";
import type { Shadow } from "countersign/policy";
import {
  ApiKeyService,
  type AskingLimits,
  AuditService,
  AuthService,
  createApiKeyService,
  createAuditService,
  createAuthService,
  createPolicyService,
  createRefreshTokens,
  createRoleService,
  createSeal,
  createSigningKeyService,
  createTokenService,
  createUserService,
  type Passwords,
  PolicyService,
  RoleService,
  SigningKeyService,
  TokenService,
  UserService,
  validatesApiKeys,
} from "countersign/service";
import type { Store } from "countersign/store";
import { keyAuthenticator, peppersOf, tokenRulesOf } from "./authentication.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { createDemoUserService } from "./demo/user-service.ts";
import { UserService as DemoUserService } from "./gen/api/users/users_pb.ts";
import { deriveKeys } from "./master-key.ts";
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
  readonly roles: RoleDirectory;
  readonly signing: Signing;
  readonly auth: Auth<Principal>;
  readonly shadow: Shadow | undefined;
  /** How often one caller may ask about other people's credentials. */
  readonly asking: AskingLimits;
  readonly passwords: Passwords;
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
  const { config, store, roles, passwords, caughtUp } = parts;
  const digests = createKeyDigests(peppersOf(config));
  const accounts = { config, store, roles, digests, hashPassword: passwords.hash, caughtUp };
  return {
    [AuthService.typeName]: () => served(AuthService, authService(parts)),
    [UserService.typeName]: () => served(UserService, userService(accounts)),
    [ApiKeyService.typeName]: () => served(ApiKeyService, apiKeyService(accounts)),
    [RoleService.typeName]: () => served(RoleService, createRoleService({ store, roles, caughtUp })),
    [SigningKeyService.typeName]: () =>
      served(SigningKeyService, createSigningKeyService({ keys: parts.signing.managed, caughtUp })),
    [TokenService.typeName]: () => served(TokenService, tokenService(parts)),
    [PolicyService.typeName]: () => served(PolicyService, policyService(parts)),
    [AuditService.typeName]: () => served(AuditService, createAuditService(store)),
    [DemoUserService.typeName]: () =>
      served(DemoUserService, createDemoUserService({ users: store.users, caughtUp })),
  };
}

function served<S extends DescService>(descriptor: S, handlers: ServiceHandlers<S>): ServedService {
  return { descriptor, handlers: handlers as ServiceHandlers<DescService> };
}

interface AccountParts extends Pick<ServiceParts, "config" | "store" | "roles" | "caughtUp"> {
  readonly digests: KeyDigests;
  readonly hashPassword: (password: string) => Promise<string>;
}

/** Accounts; also for commands on a store. */
export function userService({
  store: { users, sessions, identities },
  roles,
  hashPassword,
  caughtUp,
}: Omit<AccountParts, "config" | "digests">): ServiceHandlers<typeof UserService> {
  return createUserService({ users, roles, sessions, identities, hashPassword, caughtUp });
}

/** API keys as the configuration makes them; also for commands on a store. */
export function apiKeyService({
  config,
  store,
  roles,
  digests,
  caughtUp,
}: Omit<AccountParts, "hashPassword">): ServiceHandlers<typeof ApiKeyService> {
  const { environment, prefix } = config.auth.api_keys;
  return createApiKeyService({ store, roles, digests, environment, format: { prefix }, caughtUp });
}

/** Tokens outside sessions; also for commands on a store. */
export function tokenService({
  config,
  store,
  roles,
  signing,
}: Pick<ServiceParts, "config" | "store" | "roles" | "signing">): ServiceHandlers<typeof TokenService> {
  const { issuer, audience, access_lifetime: lifetimeSeconds } = config.auth.jwt;
  return createTokenService({
    ...{ store, roles, lifetimeSeconds, issuer, audience },
    signingKey: (seconds) => signing.signerFor(seconds),
    verifier: createTokenVerifier(tokenRulesOf(config, signing)),
  });
}

/** Over the store and the policy that it is given. */
export function policyService({
  auth,
  shadow,
  store,
  roles,
}: Pick<ServiceParts, "auth" | "shadow" | "store" | "roles">): ServiceHandlers<typeof PolicyService> {
  return createPolicyService({
    policy: auth,
    shadow: shadow === undefined ? undefined : () => shadow.report(),
    async principal(userId) {
      const user = await store.users.load(userId);
      if (user === undefined) return undefined;
      return user.isActive ? principalOf(user, { authenticator: "jwt" }, roles) : "disabled";
    },
  });
}

function authService(parts: ServiceParts): ServiceHandlers<typeof AuthService> {
  const { config, store, revocations, roles, signing, asking, passwords, caughtUp } = parts;
  const { jwt, sessions, limits } = config.auth;
  const keys = deriveKeys(config);
  return createAuthService({
    store,
    roles,
    passwords,
    caughtUp,
    signingKey: (at) => signing.signer(at),
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
    loginLimits: {
      failuresPerNetwork: limits.failed_logins_per_network,
      sharedAddresses: limits.shared_addresses,
    },
    validateApiKey: validatesApiKeys({
      authenticator: keyAuthenticator(config, store, { scheme: "" }),
      revocations,
      roles,
      limits: asking,
    }),
  });
}
