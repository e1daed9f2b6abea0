import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";
import { developmentSecrets } from "./development-secrets.ts";
import { type ConfigFile, configSchema, type SecretSource } from "./schema.ts";
import { variables } from "./variables.ts";

/** Everything that the program is told, checked and frozen. */
export interface Config
  extends Omit<
    ConfigFile,
    | "data"
    | "database"
    | "redis"
    | "services"
    | "auth"
    | "grpc"
    | "metrics"
    | "master_key"
    | "previous_master_keys"
  > {
  /** Which file it was read from; undefined for none. */
  readonly source: string | undefined;
  /** An absolute path. */
  readonly data: string;
  readonly services: readonly string[];
  readonly metrics: Omit<ConfigFile["metrics"], "token">;
  readonly grpc: Omit<ConfigFile["grpc"], "reflection"> & { readonly reflection: boolean };
  readonly auth: Omit<ConfigFile["auth"], "development_key" | "api_keys" | "jwt" | "issuers"> & {
    readonly issuers: readonly IssuerConfig[];
    readonly jwt: Omit<ConfigFile["auth"]["jwt"], "secret" | "private_key" | "algorithm"> & {
      readonly algorithm: string;
    };
    readonly api_keys: Omit<ConfigFile["auth"]["api_keys"], "pepper" | "previous_peppers" | "static">;
  };
  readonly redis: Omit<ConfigFile["redis"], "url">;
  readonly secrets: Secrets;
}

/** An issuer whose tokens are accepted, without its secret. */
export type IssuerConfig = Omit<ConfigFile["auth"]["issuers"][number], "client_secret" | "authorization">;

/** What must not be seen. Kept apart from the rest, so that the rest can be printed. */
export interface Secrets {
  /** Of PostgreSQL, with user and password; undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  /** Of Redis, with user and password; undefined for none. */
  readonly redisUrl: string | undefined;
  readonly jwtSecret: Uint8Array | undefined;
  /** PEM. */
  readonly jwtPrivateKey: string | undefined;
  readonly pepper: Uint8Array | undefined;
  /** Still accepted. */
  readonly previousPeppers: readonly { readonly id: string; readonly secret: Uint8Array }[];
  readonly masterKey: Uint8Array | undefined;
  /** Still accepted. */
  readonly previousMasterKeys: readonly Uint8Array[];
  readonly developmentKey: string | undefined;
  /** What metrics are asked for with. */
  readonly metricsToken: string | undefined;
  readonly staticKeys: readonly StaticKeySecret[];
  /** With what issuers are asked about tokens, by their names. */
  readonly issuers: Readonly<Record<string, IssuerSecret>>;
}

export interface IssuerSecret {
  readonly clientSecret: string | undefined;
  readonly authorization: string | undefined;
}

export interface StaticKeySecret {
  readonly name: string;
  readonly key: string;
  readonly permissions: readonly string[];
  readonly isStaff: boolean;
  readonly isSuperuser: boolean;
}

/** Which services a program serves that names none. */
const accountServices = [
  "AuthService",
  "UserService",
  "ApiKeyService",
  "RoleService",
  "SigningKeyService",
  "TokenService",
  "PolicyService",
  "LogService",
  "TenantService",
  "LimitService",
  "RevocationService",
  "SystemService",
  "AuditService",
].map((name) => `auth.v1.${name}`);
const demoServices = ["api.users.UserService"];

export interface ConfigRequest {
  /** The file named on the command line. */
  readonly file?: string | undefined;
  /** `development` for `countersign dev`, and for commands beside it. Default: what the file says, else production. */
  readonly environment?: "development" | "production" | undefined;
  /** Make the secrets of a development store if there are none yet. */
  readonly createSecrets?: boolean;
  /** Leave secrets where they are, and do without: for what only looks at the rest. */
  readonly withoutSecrets?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** Reads file and environment. Throws a `ConfigError` that names the member and what would be right. */
export function loadConfig(request: ConfigRequest = {}): Config {
  const env = request.env ?? process.env;
  const source = configPath(request.file, env);
  const base = source === undefined ? process.cwd() : dirname(source);
  const raw = source === undefined ? {} : readConfigFile(source);
  applyVariables(raw, env);
  const file = validate(raw, source);
  const environment =
    request.environment ?? (source === undefined ? undefined : file.environment) ?? "production";
  const data = resolve(env["COUNTERSIGN_DATA"] === undefined ? base : process.cwd(), file.data);
  const {
    master_key: _master,
    previous_master_keys: _previous,
    database: _database,
    metrics,
    ...rest
  } = file;
  const { url: _redis, ...redis } = file.redis;
  const { development_key: _key, jwt, api_keys: apiKeys, ...auth } = file.auth;
  const { secret: _secret, private_key: _private, ...jwtRest } = jwt;
  const { pepper: _pepper, previous_peppers: _peppers, static: _static, ...apiKeysRest } = apiKeys;
  const development = environment === "development";
  const secrets = request.withoutSecrets
    ? noSecrets
    : readSecrets(file, { env, base, data, development, create: request.createSecrets ?? false });
  const algorithm = jwt.algorithm ?? (secrets.jwtSecret === undefined ? "RS256" : "HS256");
  const rawKeys = (raw["auth"] as { api_keys?: { environment?: unknown } } | undefined)?.api_keys;
  return deepFreeze({
    ...rest,
    environment,
    source,
    data,
    redis,
    metrics: { listen: metrics.listen },
    http: { ...file.http, ...tlsFiles(file.http, base) },
    grpc: { ...file.grpc, ...tlsFiles(file.grpc, base), reflection: file.grpc.reflection ?? development },
    policy: { ...file.policy, ...policyFiles(file.policy, base) },
    proxies: { ...file.proxies, ...proxyFiles(file.proxies, base) },
    services: file.services ?? (development ? [...demoServices, ...accountServices] : accountServices),
    auth: {
      ...auth,
      issuers: auth.issuers.map(({ client_secret: _secret, authorization: _header, ...issuer }) => issuer),
      jwt: { ...jwtRest, algorithm },
      api_keys: {
        ...apiKeysRest,
        ...(development && rawKeys?.environment === undefined && { environment: "dev" }),
      },
    },
    secrets,
  });
}

/** Are tokens signed with keys of the store? They are unless the configuration brings a key of its own. */
export function hasManagedKeys({ secrets }: Pick<Config, "secrets">): boolean {
  return secrets.jwtSecret === undefined && secrets.jwtPrivateKey === undefined;
}

const noSecrets: Secrets = {
  databaseUrl: undefined,
  redisUrl: undefined,
  jwtSecret: undefined,
  jwtPrivateKey: undefined,
  pepper: undefined,
  previousPeppers: [],
  masterKey: undefined,
  previousMasterKeys: [],
  developmentKey: undefined,
  metricsToken: undefined,
  staticKeys: [],
  issuers: {},
};

function configPath(file: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const named = file ?? env["COUNTERSIGN_CONFIG"];
  if (named !== undefined) return resolve(named);
  const usual = resolve("countersign.yaml");
  return existsSync(usual) ? usual : undefined;
}

function readConfigFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`cannot read the configuration ${path}: ${(error as Error).message}`);
  }
  const document = parseDocument(text, { uniqueKeys: true, strict: true });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new ConfigError(`${path}: ${problem.message.split("\n")[0] ?? "not YAML"}`);
  const content: unknown = document.toJS() ?? {};
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new ConfigError(`${path}: a mapping is expected, such as "data: ./.countersign"`);
  }
  return content as Record<string, unknown>;
}

function applyVariables(raw: Record<string, unknown>, env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("COUNTERSIGN_") || value === undefined) continue;
    const variable = variables.find((known) => known.name === name);
    if (variable === undefined) {
      const known = variables.map((one) => one.name).join(", ");
      throw new ConfigError(`the variable ${name} is not known; there are ${known}`);
    }
    if (value === "") throw new ConfigError(`the variable ${name} is empty: give it a value or unset it`);
    if (variable.path !== undefined) setMember(raw, variable.path, variable.secret ? { env: name } : value);
  }
}

function setMember(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const next = target[head];
  const inner = typeof next === "object" && next !== null ? (next as Record<string, unknown>) : {};
  target[head] = inner;
  setMember(inner, rest, value);
}

function validate(raw: unknown, source: string | undefined): ConfigFile {
  const parsed = configSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined ? "" : issue.path.join(".");
  const place = [source ?? "configuration", where].filter((part) => part !== "").join(": ");
  throw new ConfigError(`${place}: ${issue?.message ?? "invalid"}`);
}

/** Like every path in a file, these are relative to the file. */
function tlsFiles({ tls }: Pick<ConfigFile["http"], "tls">, base: string): Pick<ConfigFile["http"], "tls"> {
  if (tls === undefined) return {};
  const { certificate_file: certificate, key_file: key, client_ca_file: authorities } = tls;
  return {
    tls: {
      ...tls,
      certificate_file: resolve(base, certificate),
      key_file: resolve(base, key),
      ...(authorities !== undefined && { client_ca_file: resolve(base, authorities) }),
    },
  };
}

function proxyFiles(
  { client_ca_file: authorities }: ConfigFile["proxies"],
  base: string,
): Partial<ConfigFile["proxies"]> {
  return authorities === undefined ? {} : { client_ca_file: resolve(base, authorities) };
}

function policyFiles(policy: ConfigFile["policy"], base: string): Partial<ConfigFile["policy"]> {
  const files = (["file", "descriptors", "shadow"] as const).flatMap((name) => {
    const path = policy[name];
    return path === undefined ? [] : [[name, resolve(base, path)]];
  });
  return Object.fromEntries(files) as Partial<ConfigFile["policy"]>;
}

interface SecretContext {
  readonly env: NodeJS.ProcessEnv;
  /** What relative paths of files are relative to. */
  readonly base: string;
  readonly data: string;
  readonly development: boolean;
  readonly create: boolean;
}

function readSecrets(file: ConfigFile, context: SecretContext): Secrets {
  const { auth, database, metrics, redis, master_key: master, previous_master_keys: previous } = file;
  const read = (source: SecretSource | undefined, name: string): string | undefined =>
    source === undefined ? undefined : readSecret(source, name, context);
  const jwtSecret = read(auth.jwt.secret, "auth.jwt.secret");
  const jwtPrivateKey = read(auth.jwt.private_key, "auth.jwt.private_key");
  const pepper = read(auth.api_keys.pepper, "auth.api_keys.pepper");
  const masterKey = read(master, "master_key");
  const signs = jwtSecret !== undefined || jwtPrivateKey !== undefined;
  const complete = pepper !== undefined && masterKey !== undefined;
  // Also where it is complete without: a folder of an earlier version has a secret for tokens in there.
  const made =
    context.development && !(complete && signs)
      ? developmentSecrets(context.data, context.create && !complete)
      : undefined;
  const symmetric = (auth.jwt.algorithm ?? "HS256").startsWith("HS");
  return {
    databaseUrl: read(database.url, "database.url"),
    redisUrl: read(redis.url, "redis.url"),
    jwtSecret: toBytes(jwtSecret) ?? (!signs && symmetric ? made?.jwtSecret : undefined),
    jwtPrivateKey,
    pepper: toBytes(pepper) ?? made?.pepper,
    previousPeppers: auth.api_keys.previous_peppers.map(({ id, pepper: source }, index) => ({
      id,
      secret: bytesOf(readSecret(source, `auth.api_keys.previous_peppers.${index}.pepper`, context)),
    })),
    masterKey: toBytes(masterKey) ?? made?.masterKey,
    previousMasterKeys: previous.map((source, index) =>
      bytesOf(readSecret(source, `previous_master_keys.${index}`, context)),
    ),
    developmentKey: read(auth.development_key, "auth.development_key"),
    metricsToken: read(metrics.token, "metrics.token"),
    staticKeys: auth.api_keys.static.map((entry, index) => ({
      name: entry.name,
      key: readSecret(entry.key, `auth.api_keys.static.${index}.key`, context),
      permissions: entry.permissions,
      isStaff: entry.is_staff,
      isSuperuser: entry.is_superuser,
    })),
    issuers: Object.fromEntries(
      auth.issuers.map(({ name, client_secret: secret, authorization }, index) => [
        name,
        {
          clientSecret: read(secret, `auth.issuers.${index}.client_secret`),
          authorization: read(authorization, `auth.issuers.${index}.authorization`),
        },
      ]),
    ),
  };
}

function readSecret(source: SecretSource, name: string, { env, base }: SecretContext): string {
  if ("env" in source) {
    const value = env[source.env];
    if (value === undefined || value === "")
      throw new ConfigError(`${name}: the variable ${source.env} is not set`);
    return value;
  }
  const path = isAbsolute(source.file) ? source.file : resolve(base, source.file);
  try {
    // A line end is what an editor adds, and no part of a secret.
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new ConfigError(`${name}: cannot read ${path}: ${(error as Error).message}`);
  }
}

function toBytes(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : bytesOf(text);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
