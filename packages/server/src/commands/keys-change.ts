import type { Command } from "commander";
import { ApiKeyService } from "countersign/descriptors";
import { UsageError } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { collect } from "./command.ts";
import { expiryFrom, keyId, limitsFrom } from "./key-argument.ts";
import { keyDetails, keyTitle } from "./key-text.ts";
import { addLimitOptions, type LimitOptions } from "./keys-create.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { updateApiKey, disableApiKey, enableApiKey } = ApiKeyService.method;

/** `countersign keys update`, `disable` and `enable` */
export function addKeyChangeCommands(keys: Command): void {
  addUpdate(keys);
  const id = "0A1b2C3d4E5f6G7h8";
  addTargetCommand(keys, {
    usage: "disable <id>",
    description: "refuse a key until it is enabled again",
    examples: [`keys disable ${id}`],
  }).action((name: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(disableApiKey, { id: keyId(name) });
      if (options.output === "json") return printMessage(disableApiKey.output, answer);
      print(`Disabled ${keyTitle(answer.apiKey)}.\n`);
    }),
  );
  addTargetCommand(keys, {
    usage: "enable <id>",
    description: "let a disabled key in again",
    examples: [`keys enable ${id}`],
  }).action((name: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(enableApiKey, { id: keyId(name) });
      if (options.output === "json") return printMessage(enableApiKey.output, answer);
      print(`Enabled ${keyTitle(answer.apiKey)}.\n`);
    }),
  );
}

interface UpdateOptions extends TargetOptions, LimitOptions {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly type?: string | undefined;
  readonly expires?: string | undefined;
  readonly clear?: readonly string[] | undefined;
}

/** What can be emptied, by the option that fills it. */
const lists = ["scope", "role", "address", "method", "limit", "tag"] as const;

function addUpdate(keys: Command): void {
  const command = addTargetCommand(keys, {
    usage: "update <id>",
    description: "change what is named, and nothing else",
    more: "What an option with several values names takes the place of all that was there; --clear empties it.",
    examples: [
      "keys update 0A1b2C3d4E5f6G7h8 --expires 90d --tag ci",
      "keys update 0A1b2C3d4E5f6G7h8 --scope orders:read --clear address",
    ],
  })
    .option("--name <name>", "unique among the user's keys")
    .option("--description <text>")
    .option("--type <type>", "service, cli, webhook, internal or development")
    .option("--expires <duration>", "from now: 4s, 15m, 24h, 30d; or never")
    .option("--clear <what>", `empty ${lists.join(", ")}; may be there several times`, collect);
  addLimitOptions(command).action((id: string, options: UpdateOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(updateApiKey, { id: keyId(id), ...changes(options) });
      if (options.output === "json") return printMessage(updateApiKey.output, answer);
      print(keyDetails(answer.apiKey));
    }),
  );
}

function changes(options: UpdateOptions) {
  const { name, description, type, expires, clear = [] } = options;
  const stray = clear.find((what) => !(lists as readonly string[]).includes(what));
  if (stray !== undefined) throw new UsageError(`--clear takes ${lists.join(", ")}`);
  const list = (what: (typeof lists)[number]): readonly string[] | undefined => {
    if (clear.includes(what) && options[what] !== undefined)
      throw new UsageError(`--${what} and --clear ${what} exclude each other`);
    return clear.includes(what) ? [] : options[what];
  };
  const named = (what: (typeof lists)[number]) => {
    const values = list(what);
    return values && { values: [...values] };
  };
  const limits = list("limit");
  const request = {
    ...{ name, description, type, scopes: named("scope"), roles: named("role") },
    ...{ addressRanges: named("address"), methods: named("method"), tags: named("tag") },
    limits: limits && { values: [...limitsFrom(limits)] },
    ...(expires === "never" ? { neverExpires: true } : expiryFrom(expires)),
  };
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  if (given.length === 0) throw new UsageError("nothing to change was named");
  return Object.fromEntries(given);
}
