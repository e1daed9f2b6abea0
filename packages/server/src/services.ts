import {
  type Auth,
  type Principal,
  principalOf,
  type RevocationFeed,
  type Revocations,
  type RoleDirectory,
} from "countersign";
import { createKeyDigests, findsApiKeys, type KeyDigests } from "countersign/api-key";
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
  createLimitService,
  createLogService,
  createPolicyService,
  createRefreshTokens,
  createRevocationService,
  createRoleService,
  createSeal,
  createSigningKeyService,
  createTenantService,
  createTokenService,
  createUserService,
  LimitService,
  LogService,
  PolicyService,
  RevocationService,
  RoleService,
  renewsStreams,
  SigningKeyService,
  SystemService,
  TenantService,
  TokenService,
  UserService,
  validatesApiKeys,
} from "countersign/service";
import type { RequestLog, Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { createDemoUserService } from "./demo/user-service.ts";
import { servedBy } from "./descriptors.ts";
import type { FairQueue } from "./fair-queue.ts";
import { UserService as DemoUserService } from "./gen/api/users/users_pb.ts";
import { tenantOfIssuer } from "./issuer-tenant.ts";
import { type NodeLimits, nodeLimits } from "./limits.ts";
import { deriveKeys } from "./master-key.ts";
import { createPasswords } from "./passwords.ts";
import { type ServedService, served } from "./served-service.ts";
import type { Signing } from "./signing.ts";
import { hygieneOf, importSeal, peppersOf, presentedKeys } from "./stored-keys.ts";
import { createSystemService } from "./system-service.ts";
import { tokenRulesOf } from "./token-rules.ts";

export interface ServiceParts {
  readonly config: Config;
  readonly store: Store;
  readonly revocations: Revocations;
  /** What guards in other processes follow. */
  readonly feed: RevocationFeed;
  readonly roles: RoleDirectory;
  /** Which node this is. Default: none that others know. */
  readonly nodeId?: string;
  readonly signing: Signing;
  readonly auth: Auth<Principal>;
  readonly shadow: Shadow | undefined;
  /** Of what is guarded from outside, where anything is. */
  readonly outside?: Auth<Principal> | undefined;
  /** Undefined where none is kept. */
  readonly requests: RequestLog | undefined;
  /** How often one caller may ask about other people's credentials. */
  readonly asking: AskingLimits;
  /** How often callers may call. Default: as the configuration says, without Redis. */
  readonly limits?: NodeLimits;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
  /** What slow hashes wait in. Default: one of their own. */
  readonly hashing?: FairQueue | undefined;
  /** What links to new keys begin with. */
  readonly linkBase?: (() => string | undefined) | undefined;
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
  const { config, store, roles, caughtUp } = parts;
  const passwords = createPasswords(parts.hashing);
  const digests = createKeyDigests(peppersOf(config));
  const accounts = { config, store, roles, digests, hashPassword: passwords.hash, caughtUp };
  const keys = { ...accounts, linkBase: parts.linkBase };
  return {
    [AuthService.typeName]: () => served(AuthService, authService(parts, passwords)),
    [UserService.typeName]: () => served(UserService, userService(accounts)),
    [ApiKeyService.typeName]: () => served(ApiKeyService, apiKeyService(keys)),
    [RoleService.typeName]: () => served(RoleService, createRoleService({ store, roles, caughtUp })),
    [SigningKeyService.typeName]: () =>
      served(SigningKeyService, createSigningKeyService({ keys: parts.signing.managed, caughtUp })),
    [TokenService.typeName]: () => served(TokenService, tokenService(parts)),
    [PolicyService.typeName]: () => served(PolicyService, policyService(parts)),
    [LogService.typeName]: () => served(LogService, createLogService({ requests: parts.requests })),
    [TenantService.typeName]: () =>
      served(TenantService, createTenantService({ tenants: store.tenants, caughtUp })),
    [LimitService.typeName]: () => served(LimitService, limitService(parts)),
    [RevocationService.typeName]: () => served(RevocationService, revocationService(parts)),
    [SystemService.typeName]: () =>
      served(
        SystemService,
        createSystemService(config, { services: () => servedBy(config), store, nodeId: parts.nodeId }),
      ),
    [AuditService.typeName]: () => served(AuditService, createAuditService(store)),
    [DemoUserService.typeName]: () =>
      served(DemoUserService, createDemoUserService({ users: store.users, caughtUp })),
  };
}

interface AccountParts extends Pick<ServiceParts, "config" | "store" | "roles" | "caughtUp"> {
  readonly digests: KeyDigests;
  readonly hashPassword: (password: string) => Promise<string>;
  readonly linkBase?: (() => string | undefined) | undefined;
}

/** Accounts; also for commands on a store. */
export function userService({
  config,
  store: { users, sessions, totp, identities },
  ...parts
}: Omit<AccountParts, "digests">): ServiceHandlers<typeof UserService> {
  const issuers = { tenantOfIssuer: (issuer: string) => tenantOfIssuer(config, issuer) };
  return createUserService({ users, sessions, totp, identities, ...parts, ...issuers });
}

/** API keys as the configuration makes them; also for commands on a store. */
export function apiKeyService({
  config,
  store,
  roles,
  digests,
  caughtUp,
  linkBase,
}: Omit<AccountParts, "hashPassword">): ServiceHandlers<typeof ApiKeyService> {
  const { environment, prefix } = config.auth.api_keys;
  return createApiKeyService({
    ...{ store, roles, digests, environment, format: { prefix }, caughtUp, linkBase },
    sealSecret: (secret) => importSeal(config).seal(secret),
    hygiene: hygieneOf(config),
  });
}

/** Tokens outside sessions; also for commands on a store. */
export function tokenService({
  config,
  store,
  roles,
  signing,
  revocations,
}: Pick<ServiceParts, "config" | "store" | "roles" | "signing"> &
  Partial<Pick<ServiceParts, "revocations">>): ServiceHandlers<typeof TokenService> {
  const { issuer, audience, access_lifetime: lifetimeSeconds } = config.auth.jwt;
  return createTokenService({
    ...{ store, roles, revocations, lifetimeSeconds, issuer, audience },
    signingKey: (seconds) => signing.signerFor(seconds),
    verifier: createTokenVerifier(tokenRulesOf(config, signing)),
  });
}

/** Limits of calls; also for commands on a store. */
export function limitService({
  config,
  store,
  limits = nodeLimits({ config, store, redis: undefined, memory: undefined }),
}: Pick<ServiceParts, "config" | "store" | "limits">): ServiceHandlers<typeof LimitService> {
  return createLimitService({ ...limits, store });
}

/** Over the store and the policy that it is given. */
export function policyService({
  auth,
  outside,
  shadow,
  store,
  roles,
}: Pick<ServiceParts, "auth" | "outside" | "shadow" | "store" | "roles">): ServiceHandlers<
  typeof PolicyService
> {
  return createPolicyService({
    policy: outside === undefined ? auth : rulesOfBoth(auth, outside),
    shadow: shadow === undefined ? undefined : () => shadow.report(),
    async principal(userId) {
      const user = await store.users.load(userId);
      if (user === undefined) return undefined;
      return user.isActive ? principalOf(user, { authenticator: "jwt" }, roles) : "disabled";
    },
  });
}

/** Health checks are open on both sides, and listed once. */
function rulesOfBoth(
  here: Auth<Principal>,
  outside: Auth<Principal>,
): Pick<Auth<Principal>, "rules" | "ruleOf"> {
  return {
    rules: () => [...here.rules(), ...outside.rules().filter(({ source }) => source !== "built-in")],
    ruleOf: (procedure) => here.ruleOf(procedure) ?? outside.ruleOf(procedure),
  };
}

function revocationService({
  store: { revocations: log, roles, users, apiKeys },
  feed,
}: ServiceParts): ServiceHandlers<typeof RevocationService> {
  return createRevocationService({ feed, log, roles, users, apiKeys });
}

function authService(
  { config, store, revocations, roles, signing, auth, asking, caughtUp, hashing }: ServiceParts,
  passwords: ReturnType<typeof createPasswords>,
): ServiceHandlers<typeof AuthService> {
  const { jwt, sessions, limits } = config.auth;
  const keys = deriveKeys(config);
  return createAuthService({
    store,
    roles,
    passwords,
    caughtUp,
    renewStream: renewsStreams(auth),
    signingKey: (at) => signing.signer(at),
    issuer: jwt.issuer,
    audience: jwt.audience,
    name: jwt.issuer ?? "Countersign",
    refreshTokens: createRefreshTokens(...keys.refresh),
    seal: createSeal(...keys.seal),
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
      authenticator: presentedKeys({ config, store, hashing }),
      revocations,
      roles,
      limits: asking,
      find: findsApiKeys({
        keys: store.apiKeys,
        users: store.users,
        peppers: peppersOf(config),
        prefix: config.auth.api_keys.prefix,
      }),
    }),
  });
}
