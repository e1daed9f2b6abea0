import {
  type Auth,
  type Authenticator,
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
import { apiKey, developmentKey, type Pepper, staticApiKey } from "countersign/api-key";
import { clientCertificate } from "countersign/client-certificate";
import { jwt, type TokenVerifierOptions } from "countersign/jwt";
import { AuthService } from "countersign/service";
import type { Redigested, Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { issuerAuthenticators, type OpenedIssuer, openIssuers } from "./issuers.ts";
import type { Signing } from "./signing.ts";
import { certificateEntries } from "./tls/certificate-entries.ts";

const p = policyFor<Principal>();

/** Token endpoints: whose tokens a caller may revoke is looked at where the token is known. */
const tokenRules = p.routes({
  "POST /oauth/introspect": hasPermission("auth.tokens:introspect"),
  "POST /oauth/revoke": "authenticated",
});

/** The rules of what is served by HTTP alone. */
export function routeTables({ services }: Pick<Config, "services">): readonly RuleTable<Principal>[] {
  return services.includes(AuthService.typeName) ? [tokenRules] : [];
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
}

/** The peppers of the configuration, the current one first. */
export function peppersOf({ auth, secrets }: Config): readonly [Pepper, ...Pepper[]] {
  if (secrets.pepper === undefined) throw new ConfigError("auth.api_keys.pepper is missing");
  return [{ id: auth.api_keys.pepper_id, secret: secrets.pepper }, ...secrets.previousPeppers];
}

/** The `Auth` of this program: API keys, then tokens of other issuers, then our own. */
export function createAuthentication({
  config,
  store,
  revocations,
  roles,
  signing,
  issuers = openIssuers(config),
  policy,
  onOlderPepper,
  onDecision,
  onCallEnd = () => {},
  limits,
  throttle,
}: AuthenticationParts): Auth<Principal> {
  try {
    return createAuth<Principal>({
      authenticators: authenticatorsOf(config, store, { signing, issuers, onOlderPepper }),
      policy: [...policy, ...routeTables(config)],
      mode: config.auth.mode,
      publicProcedures: publicProceduresOf(config),
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

function authenticatorsOf(
  config: Config,
  store: Store,
  {
    signing,
    issuers,
    onOlderPepper,
  }: Pick<AuthenticationParts, "signing" | "onOlderPepper"> & { readonly issuers: readonly OpenedIssuer[] },
): [Authenticator<Principal>, ...Authenticator<Principal>[]] {
  const { auth, secrets } = config;
  const { header, scheme } = auth.api_keys;
  const authenticators: [Authenticator<Principal>, ...Authenticator<Principal>[]] = [
    keyAuthenticator(config, store, { onOlderPepper }),
  ];
  const [first, ...rest] = secrets.staticKeys;
  if (first !== undefined) authenticators.push(staticApiKey({ keys: [first, ...rest], header, scheme }));
  if (secrets.developmentKey !== undefined) {
    const firstSuperuser = () => store.users.firstSuperuser();
    authenticators.push(developmentKey({ secret: secrets.developmentKey, firstSuperuser, header }));
  }
  // Before our own: they know their tokens by the issuer, and we may have none in ours.
  authenticators.push(...issuerAuthenticators(issuers, config, store));
  authenticators.push(tokenAuthenticator(config, store, signing));
  const [certificate, ...more] = certificateEntries(config);
  if (certificate !== undefined) {
    const findByUsername = (username: string) => store.users.findByUsername(username);
    authenticators.push(
      clientCertificate({ map: [certificate, ...more], users: store.users, findByUsername }),
    );
  }
  return authenticators;
}

/** What stands before a credential; where it is not said, what the configuration says. */
interface Form {
  readonly scheme: string;
}

/** Stored API keys. */
export function keyAuthenticator(
  config: Config,
  store: Store,
  { onOlderPepper, ...form }: Partial<Form> & Pick<AuthenticationParts, "onOlderPepper"> = {},
): Authenticator<Principal> {
  const { header, scheme, prefix } = { ...config.auth.api_keys, ...form };
  return apiKey({
    keys: store.apiKeys,
    users: store.users,
    peppers: peppersOf(config),
    onOlderPepper,
    header,
    scheme,
    prefix,
  });
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

/** What a token of our own has to be. */
export function tokenRulesOf({ auth }: Config, signing: Signing): TokenVerifierOptions {
  const { issuer, audience, leeway } = auth.jwt;
  return {
    keys: () => signing.ring(),
    leewaySeconds: leeway,
    requiredClaims: ["exp", "jti"],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
}
