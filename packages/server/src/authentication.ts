import {
  type Auth,
  type Authenticator,
  type AuthOptions,
  type Call,
  type CallLimiter,
  type CredentialThrottle,
  createAuth,
  type Decision,
  type EndedCall,
  hasPermission,
  type Principal,
  policyFor,
  type Revocations,
  type RoleDirectory,
  type RuleTable,
} from "countersign";
import { developmentKey, staticApiKey } from "countersign/api-key";
import { clientCertificate } from "countersign/client-certificate";
import { AuthService } from "countersign/descriptors";
import { jwt } from "countersign/jwt";
import type { Redigested, Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { askingRules } from "./decide/asking-rules.ts";
import type { FairQueue } from "./fair-queue.ts";
import { issuerAuthenticators, type OpenedIssuer, openIssuers } from "./issuers.ts";
import type { Signing } from "./signing.ts";
import { importedKeyAuthenticator, keyAuthenticator, type StoredKeyParts } from "./stored-keys.ts";
import { certificateEntries } from "./tls/certificate-entries.ts";
import { tokenRulesOf } from "./token-rules.ts";

const p = policyFor<Principal>();

/** Token endpoints: whose tokens a caller may revoke is looked at where the token is known. */
const tokenRules = p.routes({
  "POST /oauth/introspect": hasPermission("auth.tokens:introspect"),
  "POST /oauth/revoke": "authenticated",
});

/** The rules of what is served by HTTP alone, and of what proxies ask. */
export function routeTables(config: Pick<Config, "services" | "proxies">): readonly RuleTable<Principal>[] {
  const tokens = config.services.includes(AuthService.typeName) ? [tokenRules] : [];
  return [...tokens, ...askingRules(config)];
}

/** Open where reflection is served. */
export const reflectionProcedures = ["grpc.reflection.v1", "grpc.reflection.v1alpha"].map(
  (name) => `/${name}.ServerReflection/ServerReflectionInfo`,
);

export interface AuthenticationParts {
  readonly config: Config;
  readonly store: Store;
  readonly revocations: Revocations;
  /** Needed for calls; a report of the rules does without. */
  readonly roles?: RoleDirectory | undefined;
  readonly signing: Signing;
  /** Default: those of the configuration, with keys of their own. */
  readonly issuers?: readonly OpenedIssuer[];
  /** Hears of keys that are still stored under an older pepper. */
  readonly onOlderPepper?: ((change: Redigested) => void) | undefined;
  /** The rules of the services that are served. */
  readonly policy: readonly RuleTable<Principal>[];
  readonly onDecision: (decision: Decision<Principal>, call: Call) => void;
  /** Whatever wants to know of calls that are over; a report of the rules does without. */
  readonly onCallEnd?: (ended: EndedCall<Principal>) => void;
  /** How often callers may call. Default: as often as they like. */
  readonly limits?: CallLimiter<Principal>;
  /** Default: each credential is verified. */
  readonly throttle?: CredentialThrottle;
  /** What slow hashes wait in. Default: one of their own. */
  readonly hashing?: FairQueue | undefined;
  /** Hears which scopes of keys are of use. */
  readonly onScopeUsed?: ((keyId: string, scope: string) => void) | undefined;
}

/** The `Auth` of this program: API keys, then tokens of other issuers, then our own. */
export function createAuthentication(parts: AuthenticationParts): Auth<Principal> {
  const { config, policy } = parts;
  return authOf(parts, {
    policy: [...policy, ...routeTables(config)],
    mode: config.auth.mode,
    publicProcedures: publicProceduresOf(config),
  });
}

/**
 * The `Auth` of services that are guarded from outside, by the same callers. Throws a `ConfigError` for a procedure without a
 * rule, and for a rule that names the request: a proxy shows none.
 */
export function createOutsideAuthentication(
  parts: AuthenticationParts,
  procedures: readonly string[],
): Auth<Principal> {
  const auth = authOf(parts, { policy: parts.policy });
  try {
    auth.serve(procedures);
    auth.seal();
    return auth;
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`policy: behind a proxy: ${error.message}`);
    throw error;
  }
}

type Rules = Pick<AuthOptions<Principal>, "policy" | "mode" | "publicProcedures">;

function authOf(parts: AuthenticationParts, rules: Rules): Auth<Principal> {
  const {
    config,
    store,
    revocations,
    roles,
    signing,
    issuers = openIssuers(config),
    policy: _policy,
    onDecision,
    onCallEnd = () => {},
    limits,
    throttle,
    ...keys
  } = parts;
  try {
    return createAuth<Principal>({
      ...rules,
      authenticators: authenticatorsOf({ config, store, signing, issuers, ...keys }),
      revocations,
      roles,
      onDecision,
      onCallEnd,
      limits,
      throttle,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`auth: ${error.message}`);
    throw error;
  }
}

/** What is open besides health checks. */
export function publicProceduresOf({ auth, grpc }: Config): readonly string[] {
  const reflection = grpc.reflection ? reflectionProcedures : [];
  return [...reflection, ...auth.public_methods.filter((name) => !reflection.includes(name))];
}

function authenticatorsOf({
  signing,
  issuers,
  ...keys
}: Pick<AuthenticationParts, "signing"> &
  StoredKeyParts & {
    readonly issuers: readonly OpenedIssuer[];
  }): [Authenticator<Principal>, ...Authenticator<Principal>[]] {
  const { config, store } = keys;
  const { auth, secrets } = config;
  const { header, scheme } = auth.api_keys;
  const authenticators: [Authenticator<Principal>, ...Authenticator<Principal>[]] = [keyAuthenticator(keys)];
  const [first, ...rest] = secrets.staticKeys;
  if (first !== undefined) authenticators.push(staticApiKey({ keys: [first, ...rest], header, scheme }));
  if (secrets.developmentKey !== undefined) {
    const firstSuperuser = () => store.users.firstSuperuser();
    authenticators.push(developmentKey({ secret: secrets.developmentKey, firstSuperuser, header }));
  }
  // Before our own: they know their tokens by the issuer, and we may have none in ours.
  authenticators.push(...issuerAuthenticators(issuers, config, store));
  authenticators.push(tokenAuthenticator(config, store, signing));
  // The last of their header: they may look like anything.
  authenticators.push(importedKeyAuthenticator(keys));
  const [certificate, ...more] = certificateEntries(config);
  if (certificate !== undefined) {
    const findByUsername = (username: string) => store.users.findByUsername(username);
    authenticators.push(
      clientCertificate({ map: [certificate, ...more], users: store.users, findByUsername }),
    );
  }
  return authenticators;
}

/** Where a credential is, and what stands before it; where it is not said, what the configuration says. */
interface Form {
  readonly header: string;
  readonly scheme: string;
}

/** Tokens of our own. */
export function tokenAuthenticator(
  config: Config,
  store: Store,
  signing: Signing,
  form?: Form,
): Authenticator<Principal> {
  const { header, scheme } = { ...config.auth.jwt, ...form };
  return jwt({ ...tokenRulesOf(config, signing), users: store.users, header, scheme });
}
