import type { Command } from "commander";
import { type Limit, LimitService, type LimitUsage } from "countersign/descriptors";
import { print, printMessage } from "../terminal/output.ts";
import { type Column, table } from "../terminal/table.ts";
import { addGroup, type Named } from "./command.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { listLimits, getLimitUsage, resetLimits } = LimitService.method;

/** `countersign limits` */
export function addLimitsCommand(program: Command, named: Named): void {
  const limits = addGroup(program, named);
  addList(limits);
  addShow(limits);
  addReset(limits);
}

const columns: readonly Column<Limit>[] = [
  ["LIMIT", ({ name }) => name],
  ["PER", ({ per }) => per],
  ["CALLS", (limit) => allowance(limit)],
  ["METHODS", ({ methods }) => methods.join(" ") || "all"],
  ["COUNTED IN", ({ countedIn }) => countedIn],
];

function addList(limits: Command): void {
  addTargetCommand(limits, {
    usage: "list",
    description: "the limits of the configuration",
    examples: ["limits list", "limits list --server 127.0.0.1:50051 -o json"],
  }).action((options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(listLimits, {});
      if (options.output === "json") return printMessage(listLimits.output, answer);
      print(table(columns, answer.limits, "No limits: the configuration has none (limits)."));
    }),
  );
}

const usageColumns: readonly Column<LimitUsage>[] = [
  ["LIMIT", ({ limit }) => limit?.name ?? ""],
  ["CALLS", ({ limit }) => (limit === undefined ? "" : allowance(limit))],
  ["USED", ({ used, unknown }) => (unknown ? "ask the server: --server" : String(used))],
  ["REMAINING", ({ remaining, unknown }) => (unknown ? "" : String(remaining))],
  ["FREES IN", ({ freesInSeconds }) => (freesInSeconds === 0 ? "" : `${Math.ceil(freesInSeconds)}s`)],
];

function addShow(limits: Command): void {
  addTargetCommand(limits, {
    usage: "show <subject>",
    description: "what a user, a key or an address has used",
    more: "A subject is user:ID, key:ID or address:IP. Rates that a server counts in its memory are known to that server alone.",
    examples: ["limits show user:7", "limits show key:k3j2h1 --server 127.0.0.1:50051"],
  }).action((subject: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(getLimitUsage, { subject });
      if (options.output === "json") return printMessage(getLimitUsage.output, answer);
      print(table(usageColumns, answer.usage, "No limit is for such a subject."));
    }),
  );
}

interface ResetOptions extends TargetOptions {
  readonly limit?: string | undefined;
}

function addReset(limits: Command): void {
  addTargetCommand(limits, {
    usage: "reset <subject>",
    description: "forget what a user, a key or an address has used",
    examples: ["limits reset user:7", "limits reset address:192.0.2.1 --limit logins"],
  })
    .option("--limit <name>", "this one alone; default: all that are for such a subject")
    .action((subject: string, options: ResetOptions) =>
      administer(options, async (administration) => {
        const answer = await administration.call(resetLimits, { subject, limit: options.limit ?? "" });
        if (options.output === "json") return printMessage(resetLimits.output, answer);
        print(answer.limits.length === 0 ? "Nothing to reset.\n" : `Reset ${answer.limits.join(", ")}.\n`);
      }),
    );
}

function allowance({ limit, kind, windowSeconds, period }: Limit): string {
  return kind === "rate" ? `${limit} in ${windowSeconds}s` : `${limit} each ${period}`;
}
