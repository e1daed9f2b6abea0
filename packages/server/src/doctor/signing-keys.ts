import type { Algorithm } from "countersign/jwt";
import { createSeal } from "countersign/service";
import { createSigningKeys } from "countersign/signing-keys";
import type { SigningKeyRecord, SigningKeyStore } from "countersign/store";
import { type Config, hasManagedKeys } from "../config/config.ts";
import { deriveKeys } from "../master-key.ts";
import { type Check, fail, ok } from "./check.ts";

const name = "signing keys";

/** Can the keys of the database be opened with the master key of the configuration? */
export async function checkSigningKeys(
  config: Config,
  records: readonly SigningKeyRecord[] | undefined,
): Promise<Check> {
  const { algorithm } = config.auth.jwt;
  if (!hasManagedKeys(config)) return ok(name, `the configuration's own, ${algorithm}`);
  if (records === undefined || records.length === 0 || config.secrets.masterKey === undefined) {
    return ok(name, `none yet: the first start of a server makes one, ${algorithm}`);
  }
  const keys = createSigningKeys({
    store: readOnly(records),
    seal: createSeal(...deriveKeys(config).seal),
    algorithm: algorithm as Algorithm,
    lifetimeSeconds: config.auth.jwt.access_lifetime,
  });
  try {
    await keys.load();
    return ok(name, records.map((record) => `${record.algorithm} ${record.kid}`).join(", "));
  } catch (error) {
    return fail(
      name,
      (error as Error).message,
      "bring back the master key, or begin anew: countersign keys signing rotate --remove-others",
    );
  }
}

/** What was read, and nothing else. */
function readOnly(records: readonly SigningKeyRecord[]): SigningKeyStore {
  const refused = (): Promise<never> => Promise.reject(new Error("nothing is changed here"));
  return {
    list: async () => records,
    createFirst: refused,
    rotate: refused,
    remove: refused,
    extend: refused,
  };
}
