import type { Command } from "commander";
import { ApiKeyService } from "countersign/descriptors";
import { findUserId } from "../administration/find-user.ts";
import { UsageError } from "../terminal/failure.ts";
import { printMessage } from "../terminal/output.ts";
import { collect } from "./command.ts";
import { expiryFrom, limitsFrom } from "./key-argument.ts";
import { expiryOf, keyTitle, printSecret } from "./key-text.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { createApiKey } = ApiKeyService.method;

/** What limits a key, for commands that make or change one. */
export interface LimitOptions {
  readonly scope?: readonly string[] | undefined;
  readonly role?: readonly string[] | undefined;
  readonly address?: readonly string[] | undefined;
  readonly method?: readonly string[] | undefined;
  readonly limit?: readonly string[] | undefined;
  readonly tag?: readonly string[] | undefined;
}

interface CreateOptions extends TargetOptions, LimitOptions {
  readonly user?: string | undefined;
  readonly owner?: string | undefined;
  readonly name: string;
  readonly type?: string | undefined;
  readonly expires?: string | undefined;
  readonly description?: string | undefined;
  readonly link?: boolean | undefined;
}

/** Adds the options that limit a key. */
export function addLimitOptions(command: Command): Command {
  return command
    .option(
      "--scope <permission>",
      "limit it to this permission, or orders:*; may be there several times, as may those below",
      collect,
    )
    .option("--role <role>", "limit it to what this role may do", collect)
    .option("--address <range>", "from where it may be used: 10.0.0.0/8, 2001:db8::/32", collect)
    .option("--method <method>", "what it may call: package.Service/Method, package.Service/*", collect)
    .option("--limit <calls>", "how many calls: 100/m, 5000/d; per s, m, h, d or month", collect)
    .option("--tag <tag>", "for finding it", collect);
}

/** `countersign keys create` */
export function addKeyCreateCommand(keys: Command): void {
  const command = addTargetCommand(keys, {
    usage: "create",
    description: "make a key, and show it this one time",
    more: "The key alone goes to standard output, and what there is to say about it to standard error, so that\nKEY=$(countersign keys create …) works. With --link it is a link instead, which shows the key once within 24 hours.",
    examples: [
      "keys create --user alice --name ci --expires 30d",
      "keys create --user alice --name deploy --scope orders:read --scope orders:write > ./key",
      "keys create --user alice --name partner --address 192.0.2.0/24 --method shop.Orders/* --limit 100/m --link",
    ],
  })
    .requiredOption("--name <name>", "what it is for; unique among the user's keys")
    .option("--user <user>", "whom it acts as; with --server the default is the caller")
    .option("--owner <user>", "the same")
    .option("--type <type>", "service, cli, webhook, internal or development (default: service)")
    .option("--expires <duration>", "4s, 15m, 24h, 30d (default: never)")
    .option("--description <text>")
    .option("--link", "print a link that shows the key once, instead of the key");
  addLimitOptions(command).action((options: CreateOptions) =>
    administer(
      options,
      async (administration) => {
        const user = options.owner ?? options.user;
        if (user === undefined && options.server === undefined)
          throw new UsageError("--user is missing: whom does the key act as?");
        const { name, type = "", description = "", link = false } = options;
        const answer = await administration.call(createApiKey, {
          ...{ name, type, description, link },
          ...expiryFrom(options.expires),
          scopes: [...(options.scope ?? [])],
          roles: [...(options.role ?? [])],
          addressRanges: [...(options.address ?? [])],
          methods: [...(options.method ?? [])],
          limits: [...limitsFrom(options.limit)],
          tags: [...(options.tag ?? [])],
          ...(user !== undefined && { userId: await findUserId(administration, user) }),
        });
        if (options.output === "json") return printMessage(createApiKey.output, answer);
        const { apiKey } = answer;
        printSecret(`Made ${keyTitle(apiKey)}, id ${apiKey?.id}, ${expiryOf(apiKey)}.`, answer);
      },
      { createSecrets: true },
    ),
  );
}
