import type { Authenticator, Principal } from "countersign";
import type { Algorithm } from "countersign/jwt";
import {
  createIntrospector,
  createIssuer,
  type IntrospectionClient,
  type Issuer,
  introspection,
  oidc,
} from "countersign/oidc";
import type { Store } from "countersign/store";
import type { Config, IssuerConfig } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { tenantOfIssuer } from "./issuer-tenant.ts";

/** An issuer of the configuration, with its keys. */
export interface OpenedIssuer {
  readonly config: IssuerConfig;
  readonly issuer: Issuer;
  /** Asks it for what a start will need: its keys, or, where it is asked about tokens, one answer. */
  probe(): Promise<void>;
}

/** Hears of an issuer that cannot be reached, or whose documents cannot be used. */
export type IssuerFailed = (name: string, error: Error) => void;

/** The issuers of a configuration. Nothing is fetched yet. A `ConfigError` for one that cannot be used. */
export function openIssuers(config: Config, failed: IssuerFailed = () => {}): readonly OpenedIssuer[] {
  requireDistinct(config);
  requirePrefixes(config.auth.issuers);
  return config.auth.issuers.map((entry) => named(entry.name, () => open(entry, config, failed)));
}

/** The same, and asks each of them at once. Nobody waits: until they answer, their tokens are `UNAVAILABLE`. */
export function startIssuers(config: Config, failed: IssuerFailed): readonly OpenedIssuer[] {
  const issuers = openIssuers(config, failed);
  for (const { config: entry, probe } of issuers) {
    probe().catch((error: Error) => {
      // A fetch of keys that failed has been told of already.
      if (isAsked(entry)) failed(entry.name, error);
    });
  }
  return issuers;
}

/** Their authenticators, over the users of a store. */
export function issuerAuthenticators(
  issuers: readonly OpenedIssuer[],
  config: Config,
  { users, identities }: Pick<Store, "users" | "identities">,
): readonly Authenticator<Principal>[] {
  const { header, scheme } = config.auth.jwt;
  // Whoever is asked about tokens takes every one of its issuer that is left.
  const ordered = issuers.toSorted((a, b) => Number(isAsked(a.config)) - Number(isAsked(b.config)));
  return ordered.map(({ config: entry, issuer }) => {
    const provision = entry.provision ? { usernameClaim: entry.username_claim } : undefined;
    const linked = { users, identities, tenantId: entry.tenant };
    const accounts = provision === undefined ? linked : { ...linked, provision };
    const common = {
      issuer,
      name: entry.name,
      header,
      scheme,
      accounts,
      leewaySeconds: config.auth.jwt.leeway,
    };
    const rules = { requiredValues: entry.required_claims };
    return named(entry.name, () => {
      switch (entry.kind) {
        case "id-token":
          return oidc<Principal>({
            ...common,
            ...rules,
            kind: "id-token",
            clientId: entry.client_id ?? [],
            trustedAudiences: entry.trusted_audiences,
            authorizedParties: entry.authorized_parties,
          });
        case "access-token":
          return oidc<Principal>({
            ...common,
            ...rules,
            kind: "access-token",
            audience: entry.audience ?? [],
            typ: entry.type,
          });
        case "introspection":
          return introspection<Principal>({
            ...common,
            client: clientOf(entry, config),
            audience: entry.audience ?? [],
            prefix: entry.prefix,
            cacheSeconds: entry.cache,
          });
      }
    });
  });
}

function open(entry: IssuerConfig, config: Config, failed: IssuerFailed): OpenedIssuer {
  const issuer = createIssuer({
    issuer: entry.issuer,
    alsoKnownAs: entry.also_known_as,
    jwksUri: entry.jwks_uri,
    introspectionEndpoint: entry.introspection_endpoint,
    algorithms: entry.algorithms as readonly Algorithm[] | undefined,
    allowLoopback: entry.allow_loopback,
    onError: (error) => failed(entry.name, error),
  });
  return {
    config: entry,
    issuer,
    async probe() {
      if (entry.kind !== "introspection") {
        await issuer.keys.load();
        return;
      }
      const client = clientOf(entry, config);
      // No token is like this; that it is none is the answer of an issuer that knows us.
      await createIntrospector(issuer, { client }).ask("countersign-probe", Date.now());
    },
  };
}

function isAsked({ kind }: IssuerConfig): boolean {
  return kind === "introspection";
}

function clientOf({ name, client_id: clientId }: IssuerConfig, { secrets }: Config): IntrospectionClient {
  const { clientSecret = "", authorization } = secrets.issuers[name] ?? {};
  if (authorization !== undefined) return { authorization };
  return { clientId: typeof clientId === "string" ? clientId : "", clientSecret };
}

/**
 * Who recognises a token decides about it, so that no two may recognise the same one: our own issuer, or one issuer
 * twice, unless ID tokens and access tokens tell themselves apart by their type.
 */
function requireDistinct({ auth }: Config): void {
  const known = new Map<string, string>();
  const names = new Set<string>();
  for (const [index, { name, kind, issuer, also_known_as: others, type, tenant }] of auth.issuers.entries()) {
    const where = `auth.issuers.${index}`;
    if (tenantOfIssuer({ auth }, issuer) !== tenant)
      throw new ConfigError(`${where}.tenant: another entry of ${issuer} says another one`);
    if (names.has(name)) throw new ConfigError(`${where}.name: "${name}" is there twice`);
    names.add(name);
    const form =
      kind === "access-token" && type !== "JWT" ? "at+jwt" : kind === "introspection" ? kind : "JWT";
    for (const spelling of [issuer, ...others]) {
      if (spelling === auth.jwt.issuer)
        throw new ConfigError(`${where}.issuer: ${spelling} is auth.jwt.issuer, which is our own`);
      const other = known.get(`${form} ${spelling}`);
      if (other !== undefined)
        throw new ConfigError(`${where}: the tokens of ${spelling} are taken by "${other}" already`);
      known.set(`${form} ${spelling}`, name);
    }
  }
}

/** Opaque tokens are told apart by what they begin with. */
function requirePrefixes(issuers: readonly IssuerConfig[]): void {
  const asked = issuers.filter(isAsked);
  for (const [index, { name, prefix }] of asked.entries()) {
    const other = asked
      .slice(0, index)
      .find((earlier) => prefix.startsWith(earlier.prefix) || earlier.prefix.startsWith(prefix));
    if (other !== undefined)
      throw new ConfigError(
        `auth.issuers: ${name}: its opaque tokens look like those of "${other.name}": give each a prefix`,
      );
  }
}

function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`auth.issuers: ${name}: ${error.message}`);
    throw error;
  }
}
