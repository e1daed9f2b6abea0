import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";

/** The secrets of a development store: made at its first start, beside the database. */
export interface DevelopmentSecrets {
  readonly jwtSecret: Uint8Array;
  readonly pepper: Uint8Array;
  readonly masterKey: Uint8Array;
}

/** Reads them, or makes them where that was asked for. Undefined if there are none. */
export function developmentSecrets(data: string, create: boolean): DevelopmentSecrets | undefined {
  const path = join(data, "development-secrets.json");
  const existing = readExisting(path);
  if (existing !== undefined || !create) return existing;
  // 64: as long as the longest hash, HS512, wants it.
  const fresh = {
    jwt_secret: randomBytes(64).toString("base64url"),
    pepper: randomBytes(32).toString("base64url"),
    master_key: randomBytes(32).toString("base64url"),
  };
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    // "wx": of two first starts at once, the second uses what the first has written.
    writeFileSync(path, `${JSON.stringify(fresh)}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const written = (error as NodeJS.ErrnoException).code === "EEXIST" ? readExisting(path) : undefined;
    if (written !== undefined) return written;
    throw new ConfigError(
      `cannot write to the data folder ${data}: ${(error as Error).message}; set COUNTERSIGN_DATA to a folder of yours`,
    );
  }
  return readExisting(path);
}

function readExisting(path: string): DevelopmentSecrets | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ConfigError(`cannot read ${path}: ${message}`);
  }
  try {
    const content: unknown = JSON.parse(text);
    const { jwt_secret: jwt, pepper, master_key: master } = content as Record<string, unknown>;
    if (typeof jwt === "string" && typeof pepper === "string" && typeof master === "string") {
      const [jwtSecret, pepperBytes, masterKey] = [jwt, pepper, master].map((text) =>
        Buffer.from(text, "base64url"),
      );
      if (jwtSecret && pepperBytes && masterKey) return { jwtSecret, pepper: pepperBytes, masterKey };
    }
  } catch {
    // Told below.
  }
  throw new ConfigError(
    `${path} is broken: restore it from a backup; without it no key and no token of this store is valid`,
  );
}
