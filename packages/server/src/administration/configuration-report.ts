import { randomBytes } from "node:crypto";
import { createRevocations } from "countersign";
import { createMemoryStore } from "countersign/store/memory";
import { createAuthentication } from "../authentication.ts";
import { type Config, hasManagedKeys } from "../config/config.ts";
import { formatDuration } from "../config/format-duration.ts";
import { formatAddress } from "../config/listen-address.ts";
import { configProblems } from "../config/production-checks.ts";
import { formatSize } from "../config/size.ts";
import { databasePath } from "../database.ts";
import { servable } from "../descriptors.ts";
import { openIssuers } from "../issuers.ts";
import { configuredSigning, signingOf } from "../signing.ts";
import { loadTlsMaterial } from "../tls/tls-material.ts";
import { completePolicy } from "./complete-policy.ts";
import { loadDigests } from "./local.ts";

/** All that is told of a secret. In development, what is missing of some is made at the first start. */
function presence(secret: unknown, madeAtStart: boolean): string {
  if (secret !== undefined) return "set";
  return madeAtStart ? "made at the first start of countersign dev" : "missing";
}

/** The configuration in force, in the shape of its file. Of secrets it only says whether they are there. */
export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  const { auth, grpc, http, secrets, revocations, log } = config;
  const { access_lifetime, leeway, publish_ahead, ...jwt } = auth.jwt;
  const development = config.environment === "development";
  return {
    source: config.source ?? "no file: defaults and environment",
    environment: config.environment,
    data: config.data,
    database: {
      url: secrets.databaseUrl === undefined ? `not set: SQLite, ${databasePath(config)}` : "set",
    },
    grpc: { ...grpc, listen: formatAddress(grpc.listen) },
    http: { ...http, listen: formatAddress(http.listen) },
    services: config.services,
    auth: {
      mode: auth.mode,
      acknowledge_insecure: auth.acknowledge_insecure,
      public_methods: auth.public_methods,
      jwt: {
        ...jwt,
        access_lifetime: formatDuration(access_lifetime),
        leeway: formatDuration(leeway),
        ...(secrets.jwtSecret !== undefined && { secret: "set" }),
        ...(secrets.jwtPrivateKey !== undefined && { private_key: "set" }),
        ...(hasManagedKeys(config) && { publish_ahead: formatDuration(publish_ahead) }),
      },
      api_keys: {
        ...auth.api_keys,
        pepper: presence(secrets.pepper, development),
        static: secrets.staticKeys.map(({ name, permissions, isStaff, isSuperuser }) => ({
          ...{ name, permissions, is_staff: isStaff, is_superuser: isSuperuser, key: "set" },
        })),
      },
      issuers: auth.issuers.map(({ cache, ...issuer }) => ({
        ...issuer,
        ...(issuer.kind === "introspection" && { cache: formatDuration(cache), credentials: "set" }),
      })),
      client_certificates: auth.client_certificates,
      sessions: {
        refresh_lifetime: formatDuration(auth.sessions.refresh_lifetime),
        maximum_lifetime: formatDuration(auth.sessions.maximum_lifetime),
      },
      ...(secrets.developmentKey !== undefined && { development_key: "set" }),
    },
    policy: config.policy,
    proxies: { ...config.proxies, identity_lifetime: formatDuration(config.proxies.identity_lifetime) },
    request_log: {
      ...config.request_log,
      retention: formatDuration(config.request_log.retention),
      max_size: formatSize(config.request_log.max_size),
    },
    redis: { url: secrets.redisUrl === undefined ? "not set" : "set", ...config.redis },
    limits: config.limits,
    master_key: presence(secrets.masterKey, development),
    revocations: { stale_after: formatDuration(revocations.stale_after) },
    shutdown_grace: formatDuration(config.shutdown_grace),
    log: { level: log.level ?? (config.environment === "development" ? "warn" : "info") },
  };
}

/** Everything that would stop a server with this configuration, as sentences with their remedies. */
export function configurationProblems(asFound: Config): readonly string[] {
  const config = withFirstSecrets(asFound);
  const problems = [
    ...configProblems(config),
    ...serviceProblems(config),
    ...thrownBy(() => configuredSigning(config)),
    ...(config.secrets.pepper === undefined ? [] : thrownBy(() => loadDigests(config))),
    ...thrownBy(() => openIssuers(config)),
    ...tlsProblems(config),
  ];
  // The rules can only be put together from parts that are right.
  return [
    ...new Set(
      problems.length > 0
        ? problems
        : [...thrownBy(() => authenticators(config)), ...thrownBy(() => completePolicy(config))],
    ),
  ];
}

/** `countersign dev` makes a pepper and a master key where there are none. */
function withFirstSecrets(config: Config): Config {
  if (config.environment !== "development") return config;
  const { pepper = randomBytes(32), masterKey = randomBytes(32) } = config.secrets;
  return { ...config, secrets: { ...config.secrets, pepper, masterKey } };
}

function serviceProblems({ services }: Config): readonly string[] {
  const known = servable.map(({ typeName }) => typeName);
  return services
    .filter((name) => !known.includes(name))
    .map((name) => `services: "${name}" is not known; there are ${known.join(", ")}`);
}

function tlsProblems({ grpc, http }: Config): readonly string[] {
  return Object.entries({ grpc, http }).flatMap(([listener, { tls }]) =>
    tls === undefined ? [] : thrownBy(() => loadTlsMaterial(`${listener}.tls`, tls)),
  );
}

/** As a server makes them: headers that cannot be are noticed. */
function authenticators(config: Config): void {
  const store = createMemoryStore();
  createAuthentication({
    config,
    store,
    revocations: createRevocations(),
    signing: signingOf(config, store),
    policy: [],
    onDecision: () => {},
  });
}

function thrownBy(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
