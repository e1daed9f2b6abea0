import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ApiKeyService } from "countersign/descriptors";
import { findUserId } from "../administration/find-user.ts";
import { print, printMessage } from "../terminal/output.ts";
import { addGroup, type Named } from "./command.ts";
import { keyId, msOf } from "./key-argument.ts";
import { keyColumns, keyDetails, previousNote } from "./key-text.ts";
import { addKeyChangeCommands } from "./keys-change.ts";
import { addKeyCreateCommand } from "./keys-create.ts";
import { addKeyImportCommands } from "./keys-import.ts";
import { addKeyInsightCommands } from "./keys-insight.ts";
import { addKeyRevokeCommand } from "./keys-revoke.ts";
import { addKeyRotateCommands } from "./keys-rotate.ts";
import { addKeyScanCommand } from "./keys-scan.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { addSigningKeysCommand } from "./signing-keys.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { getApiKey, listApiKeys } = ApiKeyService.method;

/** `countersign keys`: API keys. */
export function addKeysCommand(program: Command, named: Named): void {
  const keys = addGroup(program, named);
  addKeyCreateCommand(keys);
  addList(keys);
  addShow(keys);
  addKeyChangeCommands(keys);
  addKeyRotateCommands(keys);
  addKeyRevokeCommand(keys);
  addKeyInsightCommands(keys);
  addKeyImportCommands(keys);
  addKeyScanCommand(keys);
  addSigningKeysCommand(keys);
}

interface ListOptions extends PageOptions {
  readonly user?: string | undefined;
  readonly owner?: string | undefined;
  readonly status?: string | undefined;
  readonly type?: string | undefined;
  readonly tag?: string | undefined;
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
  readonly expiringWithin?: string | undefined;
  readonly unusedFor?: string | undefined;
}

function addList(keys: Command): void {
  const command = addTargetCommand(keys, {
    usage: "list",
    description: "keys, newest first or as --sort says; the conditions combine",
    examples: [
      "keys list",
      "keys list --owner alice --status active -o json",
      "keys list --expiring-within 14d",
      "keys list --unused-for 90d --type cli",
      "keys list --sort -last_used_at",
    ],
  })
    .option("--owner <user>", "those of one user")
    .option("--user <user>", "the same")
    .option("--status <status>", "active, disabled, expired or revoked")
    .option("--type <type>", "service, cli, webhook, internal or development")
    .option("--tag <tag>", "those that have it")
    .option("--search <text>", "part of a name, or the beginning of an id or of a key's prefix")
    .option(
      "--sort <order>",
      "name, created_at, last_used_at, expires_at or total_requests; with a - before it from the other end (default: -created_at)",
    )
    .option("--expiring-within <duration>", "those that end soon: 24h, 14d")
    .option("--unused-for <duration>", "those that were made before, and not used since: 90d");
  addPageOptions(command).action((options: ListOptions) =>
    administer(options, async (administration) => {
      const { status = "", type = "", tag = "", search: text = "", sort = "" } = options;
      const user = options.owner ?? options.user;
      const owner = user === undefined ? {} : { userId: await findUserId(administration, user) };
      const soon = msOf("--expiring-within", options.expiringWithin);
      const idle = msOf("--unused-for", options.unusedFor);
      const filter = {
        ...{ ...owner, status, type, tag, text, sort },
        ...(soon !== undefined && { expiringBefore: timestampFromMs(Date.now() + soon) }),
        ...(idle !== undefined && { unusedSince: timestampFromMs(Date.now() - idle) }),
      };
      await printPages(options, {
        async read(page) {
          const answer = await administration.call(listApiKeys, { ...page, ...filter });
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
    description: "one key, without its secret; and whether the one before it is still used",
    examples: ["keys show 0A1b2C3d4E5f6G7h8", "keys show 0A1b2C3d4E5f6G7h8 -o json"],
  }).action((id: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(getApiKey, { id: keyId(id) });
      if (options.output === "json") return printMessage(getApiKey.output, answer);
      print(keyDetails(answer.apiKey));
      if (answer.previous !== undefined) print(`${previousNote(answer.previous)}\n`);
    }),
  );
}
