import type { Config } from "../config/config.ts";
import { type KnownSecrets, secretProblems } from "../secrets/known-secrets.ts";
import { plural } from "../terminal/plural.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const name = "kept under";

/** Are these the secrets that the database is kept under? How far is a change of them? */
export function checkKnownSecrets(config: Config, known: KnownSecrets | undefined): readonly Check[] {
  if (known === undefined) return [];
  const problems = secretProblems(config, known);
  if (problems.length > 0) return problems.map((problem) => fail(name, problem));
  const { pepper_id: current } = config.auth.api_keys;
  const left = known.pepperUse.filter(({ id }) => id !== current).reduce((sum, { keys }) => sum + keys, 0);
  if (left === 0) return [ok(name, `the pepper "${current}" and the master key`)];
  return [
    warn(
      name,
      `${plural(left, "key")} not used since the pepper was changed`,
      "countersign secrets status --left lists them",
    ),
  ];
}
