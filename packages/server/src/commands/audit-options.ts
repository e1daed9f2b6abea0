import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import type { AuditService } from "countersign/descriptors";
import { instantForms, stretchOf } from "./instant-argument.ts";

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
    .option("--actor <id>", "done by this user; system for the program and for commands on the store")
    .option("--key-id <id>", "done with this API key")
    .option("--action <action>", "user.created, key.revoked, …")
    .option("--target <target>", "about user:7, key:ID, role:support, …")
    .option("--since <when>", instantForms)
    .option("--until <when>", "the same; exclusive")
    .option("--text <part>", "part of what it says; capital letters count")
    .option("--tenant <id>", "records of this tenant");
}

/** The filter of a request. Throws `UsageError` for an instant that is none. */
export function filterOf(options: FilterOptions): Filter {
  const { actor = "", keyId = "", action = "", target = "", text = "", tenant = "" } = options;
  return {
    ...{ actor, action, target, text, tenant },
    apiKey: keyId,
    ...stretchOf(options),
  };
}
