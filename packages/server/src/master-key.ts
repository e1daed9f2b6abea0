import { hkdfSync } from "node:crypto";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";

/** Keys for one purpose each, made of the master key (HKDF, RFC 5869). */
export interface DerivedKeys {
  /** Seals secrets that are kept in the database. */
  readonly seal: Uint8Array;
  /** Derives refresh tokens. */
  readonly refresh: Uint8Array;
  /** Seals the audit log. */
  readonly audit: Uint8Array;
}

/** The keys of a configuration. Throws a `ConfigError` if there is no master key. */
export function deriveKeys({ secrets }: Pick<Config, "secrets">): DerivedKeys {
  const { masterKey } = secrets;
  if (masterKey === undefined) throw new ConfigError("master_key is missing");
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", masterKey, new Uint8Array(0), `countersign ${purpose}`, 32));
  return Object.freeze({
    seal: derive("seal"),
    refresh: derive("refresh tokens"),
    audit: derive("audit log"),
  });
}
