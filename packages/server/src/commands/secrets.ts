import type { Command } from "commander";
import type { ApiKeyRecord, Store } from "countersign/store";
import { openLocalStore } from "../administration/command-config.ts";
import type { Config } from "../config/config.ts";
import { rotateMasterKey } from "../secrets/rotate-master-key.ts";
import { keysLeft, type SecretStatus, secretStatus } from "../secrets/secret-status.ts";
import { print, printJson } from "../terminal/output.ts";
import { plural } from "../terminal/plural.ts";
import { progress } from "../terminal/progress.ts";
import { type Column, instant, table } from "../terminal/table.ts";
import { addCommand, addGroup, type CommandOptions, type Named, perform } from "./command.ts";

/** `countersign secrets`: what the database is kept under. */
export function addSecretsCommand(program: Command, named: Named): void {
  const secrets = addGroup(program, named);
  addStatus(secrets);
  addRotateMasterKey(secrets);
}

interface StatusOptions extends CommandOptions {
  readonly left?: boolean | undefined;
}

function addStatus(secrets: Command): void {
  addCommand(secrets, {
    usage: "status",
    description: "how far a change of pepper or master key has come, and what is still needed",
    more: "A key's digest is made anew under the current pepper when the key is next used: nobody else has its secret.",
    examples: ["secrets status", "secrets status --left"],
  })
    .option("--left", "list the keys that have not been used since the pepper was changed")
    .action((options: StatusOptions) =>
      onStore(options, async (config, store) => {
        if (options.left) return printLeft(options, await collected(keysLeft(config, store)));
        const status = await secretStatus(config, store);
        if (options.output === "json") printJson(toJson(status));
        else print(report(status));
      }),
    );
}

interface RotateOptions extends CommandOptions {
  readonly abandon?: boolean | undefined;
}

function addRotateMasterKey(secrets: Command): void {
  addCommand(secrets, {
    usage: "rotate-master-key",
    description: "seal everything anew under master_key that is sealed under one of previous_master_keys",
    more: "Run it when every server has both keys in its configuration; servers go on meanwhile. The previous one can then be\nremoved: at once, and sessions that have not been renewed since log in again; or after auth.sessions.refresh_lifetime, and none does.",
    examples: ["secrets rotate-master-key --config /etc/countersign.yaml"],
  })
    .option(
      "--abandon",
      "a previous one is lost: give up what it sealed; second factors are removed, and signing keys need keys signing rotate --remove-others",
    )
    .action((options: RotateOptions) =>
      onStore(options, async (config, store) => {
        const { abandon = false, output } = options;
        const result = await rotateMasterKey(config, store, { abandon, onProgress: progress("secrets") });
        if (output === "json") {
          const { resealed, alreadyCurrent: already_current, abandoned } = result;
          return printJson({ resealed, already_current, abandoned });
        }
        const { resealed, alreadyCurrent, abandoned } = result;
        const given = abandoned === 0 ? "" : `, ${abandoned.toLocaleString("en")} given up`;
        print(
          `${plural(resealed, "secret")} sealed anew, ${alreadyCurrent.toLocaleString("en")} already were${given}\n`,
        );
      }),
    );
}

function onStore(
  options: CommandOptions,
  work: (config: Config, store: Store) => Promise<void>,
): Promise<void> {
  return perform(options, async () => {
    const { config, store } = await openLocalStore({ file: options.config });
    try {
      await work(config, store);
    } finally {
      await store.close();
    }
  });
}

function report({ peppers, masterKeySince, previousMasterKeysNeeded }: SecretStatus): string {
  const all = peppers.reduce((sum, { keys }) => sum + keys, 0);
  const lines = peppers.map(({ id, role, keys }) => `pepper "${id}" (${role}): ${plural(keys, "key")}`);
  const done = peppers[0]?.keys ?? 0;
  if (peppers.length > 1)
    lines.push(`${done.toLocaleString("en")} of ${plural(all, "key")} under the current pepper`);
  for (const { id, role, keys } of peppers) {
    if (role === "previous" && keys === 0) lines.push(`pepper "${id}" is needed no more: remove it`);
  }
  const since =
    masterKeySince === undefined ? "no server has started with it yet" : `since ${instant(masterKeySince)}`;
  lines.push(`master key: ${since}`);
  if (previousMasterKeysNeeded > 0)
    lines.push("a previous master key is still needed: countersign secrets rotate-master-key");
  return `${lines.join("\n")}\n`;
}

function toJson({ peppers, masterKeySince, previousMasterKeysNeeded }: SecretStatus) {
  return {
    peppers,
    master_key: {
      since: masterKeySince?.toISOString() ?? null,
      previous_needed: previousMasterKeysNeeded,
    },
  };
}

const columns: readonly Column<ApiKeyRecord>[] = [
  ["ID", ({ id }) => id],
  ["NAME", ({ name }) => name],
  ["USER", ({ userId }) => userId],
  ["PEPPER", ({ pepperId }) => pepperId],
  ["LAST USED", ({ lastUsedAt }) => (lastUsedAt === undefined ? "never" : instant(lastUsedAt))],
];

function printLeft({ output }: CommandOptions, keys: readonly ApiKeyRecord[]): void {
  if (output === "json") printJson({ keys: keys.map(keyJson) });
  else print(table(columns, keys, "All keys are under the current pepper."));
}

function keyJson({ id, name, userId, pepperId, lastUsedAt }: ApiKeyRecord) {
  const last_used_at = lastUsedAt?.toISOString() ?? null;
  return { id, name, user_id: userId, pepper_id: pepperId, last_used_at };
}

async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
