import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";

/** The secrets of a development store: made at its first start, beside the database. */
export interface DevelopmentSecrets {
  /** What tokens were signed with before there were managed keys: a folder that has it goes on with it. */
  readonly jwtSecret: Uint8Array | undefined;
  readonly pepper: Uint8Array;
  readonly masterKey: Uint8Array;
}

/** Reads them, or makes them where that was asked for. Undefined if there are none. */
export function developmentSecrets(data: string, create: boolean): DevelopmentSecrets | undefined {
  const path = join(data, "development-secrets.json");
  const existing = readExisting(path);
  if (existing !== undefined || !create) return existing;
  const fresh = {
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
    const readable = jwt === undefined || typeof jwt === "string";
    if (readable && typeof pepper === "string" && typeof master === "string") {
      const bytes = (text: string): Uint8Array => Buffer.from(text, "base64url");
      const jwtSecret = jwt === undefined ? undefined : bytes(jwt);
      return { jwtSecret, pepper: bytes(pepper), masterKey: bytes(master) };
    }
  } catch {
    // Told below.
  }
  throw new ConfigError(
    `${path} is broken: restore it from a backup; without it no key and no token of this store is valid`,
  );
}
