import type { ApiKeyRecord, Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import { deriveKeys } from "../master-key.ts";
import { peppersOf } from "../stored-keys.ts";
import { isMasterMark, masterMarks } from "./secret-marks.ts";

export interface PepperStatus {
  readonly id: string;
  readonly role: "current" | "previous" | "missing";
  /** That are neither revoked nor expired. */
  readonly keys: number;
}

export interface SecretStatus {
  readonly peppers: readonly PepperStatus[];
  /** Since when the database knows the current one; undefined if no server has started with it. */
  readonly masterKeySince: Date | undefined;
  /** How many master keys besides the current one are still needed to open something. */
  readonly previousMasterKeysNeeded: number;
}

/** How far a change of secrets has come. */
export async function secretStatus(config: Config, { secrets }: Store): Promise<SecretStatus> {
  const use = new Map((await secrets.pepperUse(new Date())).map(({ id, keys }) => [id, keys]));
  const configured = peppersOf(config).map(({ id }) => id);
  const ids = [...configured, ...[...use.keys()].filter((id) => !configured.includes(id))];
  const marks = (await secrets.marks()).filter(isMasterMark);
  const current = config.secrets.masterKey === undefined ? undefined : masterMarks(deriveKeys(config))[0];
  return {
    peppers: ids.map((id, index) => ({
      id,
      role: index === 0 ? "current" : configured.includes(id) ? "previous" : "missing",
      keys: use.get(id) ?? 0,
    })),
    masterKeySince: marks.find(({ name }) => name === current?.name)?.since,
    previousMasterKeysNeeded: marks.filter(({ name }) => name !== current?.name).length,
  };
}

const limit = 500;

/** The keys that are stored under another pepper than the current one, and have not been used since. */
export async function* keysLeft(config: Config, { apiKeys }: Store): AsyncGenerator<ApiKeyRecord> {
  const [{ id: current }] = peppersOf(config);
  const now = new Date();
  for (let after: ApiKeyRecord | undefined, more = true; more; ) {
    const page = await apiKeys.list({ limit, now, after });
    for (const key of page) {
      const expired = key.expiresAt !== undefined && key.expiresAt <= now;
      if (key.pepperId !== current && key.revokedAt === undefined && !expired) yield key;
    }
    after = page.at(-1);
    more = page.length === limit;
  }
}
