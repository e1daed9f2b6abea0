import { type Config, hasManagedKeys } from "../config/config.ts";
import { formatDuration } from "../config/format-duration.ts";
import { formatAddress } from "../config/listen-address.ts";
import { databasePath } from "../database.ts";

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
    master_key: presence(secrets.masterKey, development),
    revocations: { stale_after: formatDuration(revocations.stale_after) },
    admin: {
      enabled: config.admin.enabled ?? "where AuthService is served",
      idle_timeout: formatDuration(config.admin.idle_timeout),
      session_lifetime: formatDuration(config.admin.session_lifetime),
    },
    shutdown_grace: formatDuration(config.shutdown_grace),
    log: { level: log.level ?? (config.environment === "development" ? "warn" : "info") },
  };
}
