import type { Pepper } from "countersign/api-key";
import type { PepperUse, SecretMark, SecretStore } from "countersign/store";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { deriveKeys } from "../master-key.ts";
import { peppersOf } from "../stored-keys.ts";
import { plural } from "../terminal/plural.ts";
import { isMasterMark, type Mark, masterMarks, pepperMark } from "./secret-marks.ts";

/** What a store says of the secrets that its content needs. */
export interface KnownSecrets {
  readonly marks: readonly Pick<SecretMark, "name" | "mark">[];
  readonly pepperUse: readonly PepperUse[];
}

/** Throws a `ConfigError` if the database is kept under other secrets than those of the configuration. */
export async function requireKnownSecrets(config: Config, secrets: SecretStore): Promise<void> {
  const marks = await secrets.marks();
  const ids = await secrets.pepperIds();
  // Keys are only counted where something is wrong: there may be many.
  const suspects = secretProblems(config, { marks, pepperUse: ids.map((id) => ({ id, keys: 1 })) });
  if (suspects.length === 0) return;
  const [problem] = secretProblems(config, { marks, pepperUse: await secrets.pepperUse(new Date()) });
  if (problem !== undefined) throw new ConfigError(problem);
}

/** Marks the current secrets, once they have proved to be the right ones, so that the next start can tell. */
export async function markSecrets(config: Config, secrets: SecretStore): Promise<void> {
  const marks = await secrets.marks();
  for (const { name, mark } of currentMarks(config)) {
    if (marks.every((other) => other.name !== name || !same(other.mark, mark)))
      await secrets.mark(name, mark);
  }
}

/** From now on only the current master key counts. */
export async function adoptMasterKey(config: Config, secrets: SecretStore): Promise<void> {
  const [current] = masterMarks(deriveKeys(config));
  const others = (await secrets.marks()).filter((mark) => isMasterMark(mark) && mark.name !== current.name);
  if (others.length > 0) await secrets.unmark(others.map(({ name }) => name));
  await secrets.mark(current.name, current.mark);
}

/** What stands against a start on this database, as sentences that name the remedy. */
export function secretProblems(config: Config, { marks, pepperUse }: KnownSecrets): readonly string[] {
  const peppers = config.secrets.pepper === undefined ? [] : peppersOf(config);
  const problems = pepperUse.flatMap((use) => pepperProblem(use, peppers, marks));
  if (config.secrets.masterKey === undefined) return problems;
  const accepted = new Set(masterMarks(deriveKeys(config)).map(({ name }) => name));
  const missing = marks.filter((mark) => isMasterMark(mark) && !accepted.has(mark.name));
  if (missing.length > 0) problems.push(masterProblem);
  return problems;
}

const masterProblem =
  "master_key is not the one that this database is kept under: bring that one back, or put it into previous_master_keys to change to the new one; if it is lost: countersign secrets rotate-master-key --abandon";

function pepperProblem(
  { id, keys }: PepperUse,
  peppers: readonly Pepper[],
  marks: KnownSecrets["marks"],
): string[] {
  const pepper = peppers.find((one) => one.id === id);
  if (pepper === undefined)
    return [
      `auth.api_keys: ${plural(keys, "key")} ${keys === 1 ? "needs" : "need"} the pepper "${id}", which is not configured: put it into auth.api_keys.previous_peppers until they have been used, or revoke them (countersign secrets status)`,
    ];
  const { name, mark } = pepperMark(pepper);
  const known = marks.find((other) => other.name === name);
  if (known === undefined || same(known.mark, mark)) return [];
  return [
    `auth.api_keys: the pepper "${id}" is another one than the ${plural(keys, "key")} under it were made with: bring that one back; a new one gets a pepper_id of its own, and the old one goes into auth.api_keys.previous_peppers`,
  ];
}

function currentMarks(config: Config): readonly Mark[] {
  const pepper = config.secrets.pepper === undefined ? [] : [pepperMark(peppersOf(config)[0])];
  const master = config.secrets.masterKey === undefined ? [] : [masterMarks(deriveKeys(config))[0]];
  return [...pepper, ...master];
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
