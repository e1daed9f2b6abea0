import type { ConnectionOptions } from "node:tls";
import { type ClientConfig, types as pgTypes } from "pg";

/** Where a PostgreSQL server is, and as whom to connect to it. */
export interface PostgresAddress {
  /** A host name, an address, or the folder of a Unix socket. Default: PGHOST, else localhost. */
  readonly host?: string | undefined;
  /** Default: PGPORT, else 5432. */
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  /** A function is asked for each new connection: for passwords that change. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  readonly database?: string | undefined;
  /** Default: plain text. True: TLS with a certificate that is verified. */
  readonly ssl?: boolean | ConnectionOptions | undefined;
}

/** How to connect, and how to name the database in errors: without user and password. */
export interface PostgresTarget {
  readonly name: string;
  readonly config: ClientConfig;
}

/** What a URL may say besides. Others are refused: a misspelt `sslmode` would be a connection in plain text. */
const parameters: ReadonlySet<string> = new Set([
  ...["sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation", "channel_binding"],
  ...["host", "port", "user", "password", "application_name", "options"],
]);

/** `pg` verifies the certificate in all of them but `no-verify`; none falls back to plain text. */
const sslModes: ReadonlySet<string> = new Set([
  "disable",
  "require",
  "verify-ca",
  "verify-full",
  "no-verify",
]);

/** Throws `TypeError` for a URL that cannot be used, without repeating it. */
export function postgresTarget(source: string | PostgresAddress): PostgresTarget {
  if (typeof source !== "string") {
    const { host = "localhost", port = 5432, database = "" } = source;
    return { name: nameOf(host, String(port), database), config: { ...shared, ...defined(source) } };
  }
  const url = parseUrl(source);
  const query = url.searchParams;
  for (const parameter of query.keys()) {
    if (parameters.has(parameter)) continue;
    throw new TypeError(
      `"${parameter}" is no parameter of a PostgreSQL URL; there are ${[...parameters].join(", ")}`,
    );
  }
  const mode = query.get("sslmode");
  if (mode !== null && !sslModes.has(mode)) {
    throw new TypeError(
      `sslmode must be one of ${[...sslModes].join(", ")}: nothing falls back to plain text`,
    );
  }
  // By their own names, pg announces that it will weaken them one day.
  if (mode === "require" || mode === "verify-ca") query.set("sslmode", "verify-full");
  const enableChannelBinding = /^(require|prefer)$/.test(query.get("channel_binding") ?? "");
  query.delete("channel_binding");
  const host = query.get("host") ?? decodeURIComponent(url.hostname);
  const name = nameOf(host, query.get("port") ?? url.port, decodeURIComponent(url.pathname.slice(1)));
  return { name, config: { ...shared, enableChannelBinding, connectionString: url.href } as ClientConfig };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1) return url;
  throw new TypeError(
    "the URL of the database must be like postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full",
  );
}

const shared: ClientConfig = {
  application_name: "countersign",
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  types: { getTypeParser },
};

const int8 = 20;

/** 64-bit integers that are ids are cast to text in every query; all others are below 2^53. */
function getTypeParser(oid: number, format?: "text" | "binary"): (value: string) => unknown {
  if (oid === int8) return exactNumber;
  return pgTypes.getTypeParser(oid, format) as (value: string) => unknown;
}

function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("an integer of the database is beyond 2^53");
  return value;
}

function nameOf(host: string, port: string, database: string): string {
  const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `database postgres://${shown}${port === "" || port === "5432" ? "" : `:${port}`}/${database}`;
}

function defined<T extends object>(source: T): Partial<T> {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)) as Partial<T>;
}
