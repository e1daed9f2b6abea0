import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type ApiKey, ApiKeyService } from "countersign/service";
import { findUserId } from "../administration/find-user.ts";
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../terminal/failure.ts";
import { note, print, printMessage } from "../terminal/output.ts";
import { addGroup, collect } from "./command.ts";
import { expiryOf, keyColumns, keyDetails, keyTitle } from "./key-text.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { addSigningKeysCommand } from "./signing-keys.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { createApiKey, getApiKey, listApiKeys, revokeApiKey } = ApiKeyService.method;

/** `countersign keys`: API keys. */
export function addKeysCommand(program: Command): void {
  const keys = addGroup(
    program,
    "keys",
    "API keys, named by their ids, the part that is no secret; and the keys that sign tokens",
  );
  addCreate(keys);
  addList(keys);
  addShow(keys);
  addRevoke(keys);
  addSigningKeysCommand(keys);
}

interface CreateOptions extends TargetOptions {
  readonly user?: string | undefined;
  readonly name: string;
  readonly type?: string | undefined;
  readonly expires?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly role?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

function addCreate(keys: Command): void {
  addTargetCommand(keys, {
    usage: "create",
    description: "make a key, and show it this one time",
    more: "The key alone goes to standard output, and what there is to say about it to standard error, so that\nKEY=$(countersign keys create …) works.",
    examples: [
      "keys create --user alice --name ci --expires 30d",
      "keys create --user alice --name deploy --scope orders:read --scope orders:write > ./key",
    ],
  })
    .requiredOption("--name <name>", "what it is for; unique among the user's keys")
    .option("--user <user>", "whom it acts as; with --server the default is the caller")
    .option("--type <type>", "service, cli, webhook, internal or development (default: service)")
    .option("--expires <duration>", "4s, 15m, 24h, 30d (default: never)")
    .option(
      "--scope <permission>",
      "limit it to this permission, or orders:*; may be there several times",
      collect,
    )
    .option("--role <role>", "limit it to what this role may do; may be there several times", collect)
    .option("--description <text>")
    .action((options: CreateOptions) =>
      administer(
        options,
        async (administration) => {
          const { user, name, type = "", scope: scopes = [], role: roles = [], description = "" } = options;
          if (user === undefined && options.server === undefined)
            throw new UsageError("--user is missing: whom does the key act as?");
          const expiresAt =
            options.expires === undefined ? undefined : timestampFromDate(fromNow(options.expires));
          const answer = await administration.call(createApiKey, {
            ...{ name, type, description, scopes: [...scopes], roles: [...roles] },
            ...(user !== undefined && { userId: await findUserId(administration, user) }),
            ...(expiresAt !== undefined && { expiresAt }),
          });
          if (options.output === "json") return printMessage(createApiKey.output, answer);
          note(
            `Made ${keyTitle(answer.apiKey)}, id ${answer.apiKey?.id}, ${expiryOf(answer.apiKey)}. It is not shown again:`,
          );
          print(`${answer.key}\n`);
        },
        { createSecrets: true },
      ),
    );
}

interface ListOptions extends PageOptions {
  readonly user?: string | undefined;
  readonly status?: string | undefined;
}

function addList(keys: Command): void {
  const command = addTargetCommand(keys, {
    usage: "list",
    description: "keys, newest first",
    examples: ["keys list", "keys list --user alice --status active -o json"],
  })
    .option("--user <user>", "those of one user")
    .option("--status <status>", "active, disabled, expired or revoked");
  addPageOptions(command).action((options: ListOptions) =>
    administer(options, async (administration) => {
      const { user, status = "" } = options;
      const owner = user === undefined ? {} : { userId: await findUserId(administration, user) };
      await printPages(options, {
        async read(page) {
          const answer = await administration.call(listApiKeys, { ...page, ...owner, status });
          return { rows: answer.apiKeys, nextPageToken: answer.nextPageToken };
        },
        output: listApiKeys.output,
        answer: (apiKeys, nextPageToken) => create(listApiKeys.output, { apiKeys, nextPageToken }),
        columns: keyColumns,
        none: "No API keys.",
      });
    }),
  );
}

function addShow(keys: Command): void {
  addTargetCommand(keys, {
    usage: "show <id>",
    description: "one key, without its secret",
    examples: ["keys show 0A1b2C3d4E5f6G7h8", "keys show 0A1b2C3d4E5f6G7h8 -o json"],
  }).action((id: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(getApiKey, { id: keyId(id) });
      if (options.output === "json") return printMessage(getApiKey.output, answer);
      print(keyDetails(answer.apiKey));
    }),
  );
}

interface RevokeOptions extends TargetOptions {
  readonly reason?: string | undefined;
  readonly withMade?: boolean | undefined;
}

function addRevoke(keys: Command): void {
  addTargetCommand(keys, {
    usage: "revoke <id>",
    description: "refuse a key from now on; running servers know within a second",
    examples: ['keys revoke 0A1b2C3d4E5f6G7h8 --reason "left in a public repository"'],
  })
    .option("--reason <text>", "kept with the key")
    .option("--with-made", "revoke also the keys that it made, and those that they made")
    .action((id: string, options: RevokeOptions) =>
      administer(options, async (administration) => {
        const answer = await administration.call(revokeApiKey, {
          id: keyId(id),
          reason: options.reason ?? "",
          withMadeKeys: options.withMade ?? false,
        });
        if (options.output === "json") return printMessage(revokeApiKey.output, answer);
        const { apiKey, revokedKeys, madeKeys } = answer;
        print(`Revoked ${keyTitle(apiKey)}.\n`);
        if (revokedKeys.length > 0) print(`Revoked what it made: ${revokedKeys.join(", ")}.\n`);
        if (madeKeys.length > 0) note(madeNote(madeKeys, options.withMade ?? false));
      }),
    );
}

/** Keys that a revoked one has left behind. */
function madeNote(ids: readonly string[], tried: boolean): string {
  const left = `Keys that it made are not revoked: ${ids.join(", ")}`;
  return tried ? `${left}; you may not revoke them` : `${left}; the same with --with-made revokes them too`;
}

/** An id as it was given. A whole key in its place is a secret in an argument, and is not repeated. */
function keyId(text: string): ApiKey["id"] {
  const [, id] = /^[a-z0-9]{2,16}_[a-z0-9]{2,16}_([0-9A-Za-z]{17})_/.exec(text) ?? [];
  if (id === undefined) return text;
  throw new UsageError(
    `that is a whole key, which should not stand in an argument: name it by its id, ${id}`,
  );
}

const longestSeconds = 100 * 365 * 86_400;

function fromNow(text: string): Date {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds === 0 || seconds > longestSeconds) {
    throw new UsageError("--expires is a duration such as 4s, 15m, 24h or 30d, and at most 36500d");
  }
  return new Date(Date.now() + seconds * 1000);
}
