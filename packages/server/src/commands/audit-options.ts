import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import type { AuditService } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { findKeyId } from "../administration/find-key.ts";
import { findUserId } from "../administration/find-user.ts";
import { instantForms, stretchOf } from "./instant-argument.ts";
import { keyId } from "./key-argument.ts";

type Filter = NonNullable<MessageInitShape<(typeof AuditService.method.listAudit)["input"]>["filter"]>;

/** What narrows down which audit records are meant. */
export interface FilterOptions {
  readonly actor?: string | undefined;
  readonly keyId?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly text?: string | undefined;
  readonly tenant?: string | undefined;
}

/** Adds the options of a filter. */
export function addFilterOptions(command: Command): Command {
  return command
    .option(
      "--actor <user>",
      "done by this user, by username, email or id; system for the program and for commands on the store",
    )
    .option("--key-id <key>", "done with this API key, by its id or what it begins with")
    .option("--action <action>", "user.created, key.revoked, …")
    .option("--target <target>", "about user:7, key:ID, role:support, …")
    .option("--since <when>", instantForms)
    .option("--until <when>", "the same; exclusive")
    .option("--text <part>", "part of what it says; capital letters count")
    .option("--tenant <id>", "records of this tenant");
}

/** The filter of a request. Throws `UsageError` for an instant that is none, and `CommandFailure` for a user that there is not. */
export async function filterOf(administration: Administration, options: FilterOptions): Promise<Filter> {
  const { actor = "", action = "", target = "", text = "", tenant = "" } = options;
  return {
    ...{ action, target, text, tenant },
    actor: await actorOf(administration, actor),
    apiKey: await findKeyId(administration, keyId(options.keyId ?? "")),
    ...stretchOf(options),
  };
}

/** An id is taken as it is, since who did it may be gone; so is `static:NAME` and whatever else is no account. */
async function actorOf(administration: Administration, actor: string): Promise<string> {
  if (/^(system|\d*)$/.test(actor) || /^(?!id:|username:|email:)[a-z]+:/.test(actor)) return actor;
  return String(await findUserId(administration, actor));
}
