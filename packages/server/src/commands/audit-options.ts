import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import type { AuditService } from "countersign/descriptors";
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../terminal/failure.ts";

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
    .option("--since <when>", "an instant such as 2026-03-01T12:00:00Z, or so long ago: 24h, 30d")
    .option("--until <when>", "the same; exclusive")
    .option("--text <part>", "part of what it says; capital letters count")
    .option("--tenant <id>", "records of this tenant");
}

/** The filter of a request. Throws `UsageError` for an instant that is none. */
export function filterOf(options: FilterOptions): Filter {
  const { actor = "", keyId = "", action = "", target = "", text = "", tenant = "", since, until } = options;
  return {
    ...{ actor, action, target, text, tenant },
    apiKey: keyId,
    ...(since !== undefined && { since: timestampFromDate(instantOf("--since", since)) }),
    ...(until !== undefined && { until: timestampFromDate(instantOf("--until", until)) }),
  };
}

function instantOf(option: string, text: string): Date {
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(Date.now() - ago * 1000);
  const at = new Date(text);
  if (
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text) &&
    !Number.isNaN(at.getTime())
  )
    return at;
  throw new UsageError(
    `${option} is a date, an instant such as 2026-03-01T12:00:00Z, or a duration such as 24h`,
  );
}
