import { type PostgresUrl, type RedisUrl, readPostgresUrl, readRedisUrl } from "countersign/store";
import { type Config, hasManagedKeys, type StaticKeySecret } from "./config.ts";
import { formatAddress, isLoopback } from "./listen-address.ts";

/** What stands against a start with this configuration, as sentences that name the member and the remedy. */
export function configProblems(config: Config): readonly string[] {
  const { secrets, auth } = config;
  const problems = [
    ...keyProblems(config),
    ...databaseProblems(config),
    ...redisProblems(config),
    ...tlsProblems(config),
    ...proxyProblems(config),
  ];
  if (config.environment === "development") return [...problems, ...developmentProblems(config)];
  if (secrets.pepper !== undefined) problems.push(...weakness("auth.api_keys.pepper", secrets.pepper));
  if (secrets.masterKey !== undefined) problems.push(...weakness("master_key", secrets.masterKey));
  if (secrets.jwtSecret !== undefined) problems.push(...weakness("auth.jwt.secret", secrets.jwtSecret));
  if (secrets.developmentKey !== undefined) {
    problems.push(
      "auth.development_key is for development only: remove it, or unset COUNTERSIGN_DEVELOPMENT_KEY",
    );
  }
  if (auth.mode === "disabled" && !auth.acknowledge_insecure) {
    problems.push(
      "auth.mode is disabled, so that anyone may call everything: if that is meant, set auth.acknowledge_insecure: true",
    );
  }
  if (config.grpc.tls === undefined && !isLoopback(config.grpc.listen)) {
    const address = formatAddress(config.grpc.listen);
    problems.push(
      `grpc.listen ${address} can be reached from outside, and would take credentials in plain text: set grpc.tls, or listen on 127.0.0.1`,
    );
  }
  if (config.http.tls === undefined && !config.http.behind_tls_proxy && !isLoopback(config.http.listen)) {
    const address = formatAddress(config.http.listen);
    problems.push(
      `http.listen ${address} can be reached from outside, and would take credentials in plain text: set http.tls, listen on 127.0.0.1, or put a proxy with TLS in front and set http.behind_tls_proxy: true`,
    );
  }
  const { listen: metrics } = config.metrics;
  if (metrics !== undefined && !isLoopback(metrics) && secrets.metricsToken === undefined) {
    problems.push(
      `metrics.listen ${formatAddress(metrics)} can be reached from outside, and tells what is called and how often: set metrics.token, or listen on 127.0.0.1`,
    );
  }
  if (
    secrets.metricsToken !== undefined &&
    (secrets.metricsToken.length < 20 || placeholders.test(secrets.metricsToken))
  )
    problems.push(
      "metrics.token can be guessed: it needs 20 characters that are random (openssl rand -hex 20)",
    );
  return [...problems, ...secrets.staticKeys.flatMap(staticKeyProblems)];
}

/** A password, and all that the database holds, must not cross a network in plain text because nobody thought of it. */
function databaseProblems({ environment, secrets: { databaseUrl } }: Config): readonly string[] {
  if (databaseUrl === undefined) return [];
  let url: PostgresUrl;
  try {
    url = readPostgresUrl(databaseUrl);
  } catch (error) {
    return [`database.url: ${(error as Error).message}`];
  }
  const { host, sslMode } = url;
  const local = host.startsWith("/") || isLoopback({ host, port: 0 });
  if (environment === "development" || local || sslMode !== undefined) return [];
  return [
    "database.url leads to another machine and says nothing of TLS: add sslmode=verify-full, or sslmode=disable if the network is private",
  ];
}

/** The same of Redis, which is told who calls. */
function redisProblems({ environment, redis, secrets: { redisUrl } }: Config): readonly string[] {
  if (redisUrl === undefined) return [];
  let url: RedisUrl;
  try {
    url = readRedisUrl(redisUrl);
  } catch (error) {
    return [`redis.url: ${(error as Error).message}`];
  }
  const { host, tls } = url;
  if (environment === "development" || tls || redis.plain_text || isLoopback({ host, port: 0 })) return [];
  return [
    "redis.url leads to another machine in plain text: write rediss://, or set redis.plain_text: true if the network is private",
  ];
}

/** What stands in the configuration is a superuser's password: on this machine, and nowhere else. */
function developmentProblems({ secrets, grpc, http }: Config): readonly string[] {
  const open = [grpc.listen, http.listen].filter((address) => !isLoopback(address));
  if (secrets.developmentKey === undefined || open.length === 0) return [];
  return [
    `auth.development_key makes anyone a superuser who can reach ${open.map(formatAddress).join(" and ")}: listen on 127.0.0.1`,
  ];
}

function staticKeyProblems({ name, key }: StaticKeySecret): readonly string[] {
  if (key.length >= 20 && !placeholders.test(key)) return [];
  return [
    `the static key "${name}" can be guessed: it needs 20 characters that are random (openssl rand -hex 20)`,
  ];
}

function keyProblems(config: Config): readonly string[] {
  const { auth, secrets, services } = config;
  const problems: string[] = [];
  const managed = hasManagedKeys(config);
  const symmetric = auth.jwt.algorithm.startsWith("HS");
  if (secrets.jwtSecret !== undefined && secrets.jwtPrivateKey !== undefined) {
    problems.push("auth.jwt has both a secret and a private_key: tokens are signed with one of them");
  }
  if (!managed && symmetric && secrets.jwtSecret === undefined) {
    problems.push(
      `auth.jwt.secret is missing: ${auth.jwt.algorithm} signs with a shared secret, not with a private_key`,
    );
  }
  if (!managed && !symmetric && secrets.jwtPrivateKey === undefined) {
    problems.push(`auth.jwt.private_key is missing: ${auth.jwt.algorithm} signs with a private key in PEM`);
  }
  if (managed && auth.jwt.kid !== undefined) {
    problems.push("auth.jwt.kid names a configured key, and managed keys have names of their own: remove it");
  }
  if (secrets.pepper === undefined) {
    problems.push(
      "auth.api_keys.pepper is missing: set it, or COUNTERSIGN_API_KEY_PEPPER, to 32 random bytes (openssl rand -base64 32)",
    );
  }
  if (secrets.masterKey === undefined && (managed || services.includes("auth.v1.AuthService"))) {
    problems.push(
      "master_key is missing: set it, or COUNTERSIGN_MASTER_KEY, to 32 random bytes (openssl rand -base64 32)",
    );
  }
  if (auth.jwt.leeway > 60) problems.push("auth.jwt.leeway is at most 60s");
  if (config.admin.enabled === true && !services.includes("auth.v1.AuthService"))
    problems.push("admin.enabled needs auth.v1.AuthService among the services: nobody could log in");
  return problems;
}

/** What a `tls` block needs besides its files, in development too. */
function tlsProblems({ grpc, http, auth, proxies }: Config): readonly string[] {
  const problems: string[] = [];
  for (const [listener, { tls }] of Object.entries({ grpc, http })) {
    if (tls === undefined) continue;
    const asks = tls.client_certificates !== "none";
    if (asks && tls.client_ca_file === undefined)
      problems.push(
        `${listener}.tls.client_certificates is ${tls.client_certificates}, and nobody is believed about them: set ${listener}.tls.client_ca_file`,
      );
    if (!asks && tls.client_ca_file !== undefined)
      problems.push(
        `${listener}.tls.client_ca_file is set, but clients are not asked: set ${listener}.tls.client_certificates to optional or required`,
      );
  }
  const asked = [grpc, http].some(({ tls }) => tls !== undefined && tls.client_certificates !== "none");
  if (auth.client_certificates.length > 0 && !asked && proxies.client_ca_file === undefined)
    problems.push(
      "auth.client_certificates names clients, and no listener asks for their certificates: set grpc.tls.client_certificates or http.tls.client_certificates to optional or required",
    );
  return problems;
}

/** What identity tokens need. */
function proxyProblems({ proxies, auth }: Config): readonly string[] {
  const { ext_authz: extAuthz, forward_auth: forwardAuth, identity_lifetime: lifetime, upstreams } = proxies;
  const problems: string[] = [];
  if (proxies.client_ca_file !== undefined && !extAuthz)
    problems.push(
      "proxies.client_ca_file is about certificates that Envoy forwards, and it may not ask: set proxies.ext_authz",
    );
  if (lifetime < 1 || lifetime > 60) problems.push("proxies.identity_lifetime is from 1s to 60s");
  if (Object.keys(upstreams).length === 0) return problems;
  if (!extAuthz && !forwardAuth)
    problems.push(
      "proxies.upstreams names services, and no proxy may ask: set proxies.ext_authz or proxies.forward_auth",
    );
  if (auth.jwt.algorithm.startsWith("HS"))
    problems.push(
      `proxies.upstreams needs tokens that anyone can verify, and ${auth.jwt.algorithm} has no public key: leave auth.jwt.secret out, or set auth.jwt.private_key`,
    );
  return problems;
}

const placeholders = /change.?me|secret|password|insecure|example|default|placeholder/i;

function weakness(name: string, secret: Uint8Array): readonly string[] {
  const remedy = "make one with: openssl rand -base64 32";
  if (secret.length < 32) return [`${name} has ${secret.length} bytes, and needs 32: ${remedy}`];
  if (new Set(secret).size < 12) return [`${name} repeats itself too much to be random: ${remedy}`];
  const text = new TextDecoder().decode(secret);
  return placeholders.test(text) ? [`${name} looks like a placeholder: ${remedy}`] : [];
}
