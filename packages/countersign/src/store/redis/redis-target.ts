import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { readRedisUrl } from "../redis-url.ts";

/** How to connect, and how to name the server in errors: without user and password. */
export interface RedisTarget {
  readonly name: string;
  readonly config: RedisAddress;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: ConnectionOptions;
}

/** Throws `TypeError` for a URL that cannot be used, without repeating it. */
export function redisTarget(text: string): RedisTarget {
  const { name, host, port, database, tls, authorityFile } = readRedisUrl(text);
  const { username, password } = new URL(text);
  const config: RedisAddress = {
    host,
    port,
    db: database,
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
  };
  if (!tls) return { name, config };
  const authority = authorityFile === undefined ? {} : { ca: readAuthority(authorityFile) };
  // The name that the certificate is for; an address has none.
  const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  return { name, config: { ...config, tls: { ...authority, ...servername } } };
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new TypeError(`sslrootcert: cannot read ${file}: ${(error as Error).message}`);
  }
}
