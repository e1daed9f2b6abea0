import type { ConnectionOptions } from "node:tls";
import { type ClientConfig, types as pgTypes } from "pg";
import { postgresName, readPostgresUrl } from "../../postgres-url.ts";

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

/** Throws `TypeError` for a URL that cannot be used, without repeating it. */
export function postgresTarget(source: string | PostgresAddress): PostgresTarget {
  if (typeof source !== "string") {
    const { host = "localhost", port = 5432, database = "" } = source;
    const name = `database ${postgresName(host, String(port), database)}`;
    return { name, config: { ...shared, ...defined(source) } };
  }
  const { name, sslMode } = readPostgresUrl(source);
  const url = new URL(source);
  const query = url.searchParams;
  // By their own names, pg announces that it will weaken them one day.
  if (sslMode === "require" || sslMode === "verify-ca") query.set("sslmode", "verify-full");
  const enableChannelBinding = /^(require|prefer)$/.test(query.get("channel_binding") ?? "");
  query.delete("channel_binding");
  const config = { ...shared, enableChannelBinding, connectionString: url.href };
  return { name: `database ${name}`, config };
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

function defined<T extends object>(source: T): Partial<T> {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)) as Partial<T>;
}
