import { hkdfSync } from "node:crypto";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";

/** The current one, and those that are still accepted. */
export type DerivedKey = readonly [Uint8Array, ...Uint8Array[]];

/** Keys for one purpose each, made of the master keys (HKDF, RFC 5869). */
export interface DerivedKeys {
  /** Seal secrets that are kept in the database. */
  readonly seal: DerivedKey;
  /** Derive refresh tokens. */
  readonly refresh: DerivedKey;
  /** By what the database recognises them. */
  readonly mark: DerivedKey;
  /** Seal the cookies of the admin UI. */
  readonly adminCookie: DerivedKey;
  /** Makes its tokens against forged requests. */
  readonly adminToken: DerivedKey;
  /** Seals the audit log. */
  readonly audit: DerivedKey;
}

/** The keys of a configuration. Throws a `ConfigError` if there is no master key. */
export function deriveKeys({ secrets }: Pick<Config, "secrets">): DerivedKeys {
  const { masterKey, previousMasterKeys } = secrets;
  if (masterKey === undefined) throw new ConfigError("master_key is missing");
  const derive = (purpose: string): DerivedKey => {
    const under = (key: Uint8Array): Uint8Array =>
      new Uint8Array(hkdfSync("sha256", key, new Uint8Array(0), `countersign ${purpose}`, 32));
    return [under(masterKey), ...previousMasterKeys.map(under)];
  };
  return Object.freeze({
    seal: derive("seal"),
    refresh: derive("refresh tokens"),
    mark: derive("mark"),
    adminCookie: derive("admin cookie"),
    adminToken: derive("admin token"),
    audit: derive("audit log"),
  });
}
