import { createSeal, resealSecrets } from "countersign/service";
import type { Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import { deriveKeys } from "../master-key.ts";
import { CommandFailure } from "../terminal/failure.ts";
import { plural } from "../terminal/plural.ts";
import { isMasterMark, masterMarks } from "./secret-marks.ts";

export interface MasterKeyRotation {
  readonly resealed: number;
  readonly alreadyCurrent: number;
  /** What was given up. */
  readonly abandoned: number;
}

export interface RotateOptions {
  /** Give up what no key opens: second factors go, and signing keys are left to `keys signing rotate --remove-others`. */
  readonly abandon: boolean;
  readonly onProgress: (count: number) => void;
}

/** Seals everything under the current master key. What was sealed under a lost one is in the way, unless it is given up. */
export async function rotateMasterKey(
  config: Config,
  store: Store,
  { abandon, onProgress }: RotateOptions,
): Promise<MasterKeyRotation> {
  const keys = deriveKeys(config);
  const { resealed, alreadyCurrent, unreadable } = await resealSecrets({
    secrets: store.secrets,
    current: createSeal(keys.seal[0]),
    seal: createSeal(...keys.seal),
    onProgress,
  });
  if (unreadable.length > 0 && !abandon) throw unreadableFailure(unreadable.length);
  const factors = unreadable.filter(({ kind }) => kind === "totp");
  for (const { id } of factors) await store.totp.disable(id, "system");
  const [current] = masterMarks(keys);
  const others = (await store.secrets.marks()).filter(
    (mark) => isMasterMark(mark) && mark.name !== current.name,
  );
  await store.secrets.mark(current.name, current.mark);
  const names = others.map(({ name }) => name);
  if (resealed > 0 || names.length > 0 || factors.length > 0) {
    const details = { resealed: String(resealed), abandoned: String(unreadable.length) };
    const audit = { actor: "system", action: "secrets.master_key_rotated", target: "store", details };
    await store.secrets.unmark(names, audit);
  }
  return { resealed, alreadyCurrent, abandoned: unreadable.length };
}

function unreadableFailure(count: number): CommandFailure {
  const what = count === 1 ? "1 secret was" : `${plural(count, "secret")} were`;
  return new CommandFailure(
    "FAILED_PRECONDITION",
    `${what} sealed under a master key that is not configured: put it into previous_master_keys; if it is lost, --abandon gives up what it sealed`,
  );
}
