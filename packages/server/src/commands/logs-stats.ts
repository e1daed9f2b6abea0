import type { MessageShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { LogService } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { findKeyId } from "../administration/find-key.ts";
import { findUserId } from "../administration/find-user.ts";
import { UsageError } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { type Column, details, table } from "../terminal/table.ts";
import { collect, wholeNumber } from "./command.ts";
import { stretchOf } from "./instant-argument.ts";
import { keyId } from "./key-argument.ts";
import { addTimeOptions, type FilterOptions, milliseconds, procedureOf, statusFrom } from "./log-text.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { getStatistics, getTimeSeries } = LogService.method;

interface StatsOptions
  extends TargetOptions,
    Pick<FilterOptions, "key" | "user" | "reason" | "method" | "tenant" | "since" | "until"> {
  readonly code?: string | undefined;
  readonly by?: readonly string[] | undefined;
  readonly top?: number | undefined;
  readonly step?: string | undefined;
}

/** `countersign logs stats` */
export function addStatsCommand(logs: Command): void {
  const command = addTargetCommand(logs, {
    usage: "stats",
    description: "how many calls there were, how they ended, and how long they took",
    more: "Of all calls, or of those of one key, user, method, reason or code. Durations are at most 5 % off.",
    examples: [
      "logs stats --since 1h",
      "logs stats --user alice --since 30d -o json",
      "logs stats --step hour --since 24h",
    ],
    own: ["key"],
  })
    .option("--key <key>", "of the calls with this API key, by its id or what it begins with")
    .option("--user <user>", "of the calls of this user")
    .option("--method <method>", "of the calls of /package.Service/Method")
    .option("--reason <reason>", "of the calls that were refused for this reason")
    .option("--code <status>", "of the calls that ended with this gRPC status, NOT_FOUND or 5")
    .option("--tenant <tenant>", "of the calls of this tenant's users and keys; goes with the others")
    .option(
      "--by <list>",
      "procedure, api_key, user, reason or code; may be there several times (default: all)",
      collect,
    )
    .option("--top <n>", "how many of each list (default: 10)", wholeNumber)
    .option("--step <step>", "step by step instead: minute, hour or day");
  addTimeOptions(command, "default: 24h, with --step 60 steps").action((options: StatsOptions) =>
    administer(options, async (administration) => {
      const of = await ofOptions(administration, options);
      const { tenant = "" } = options;
      const asked = { ...stretchOf(options), ...(of !== undefined && { of }), tenant };
      if (options.step !== undefined) {
        const answer = await administration.call(getTimeSeries, { ...asked, step: options.step });
        if (options.output === "json") return printMessage(getTimeSeries.output, answer);
        return print(table(pointColumns, answer.points, "No calls."));
      }
      const lists = [...(options.by ?? [])];
      const answer = await administration.call(getStatistics, { ...asked, lists, top: options.top ?? 0 });
      if (options.output === "json") return printMessage(getStatistics.output, answer);
      print(report(answer));
    }),
  );
}

async function ofOptions(administration: Administration, options: StatsOptions) {
  const { key, user, method, reason, code } = options;
  const given = [
    ["api_key", key && keyId(key)],
    ["user", user],
    ["procedure", method && procedureOf(method)],
    ["reason", reason],
    ["code", code && statusFrom(code)],
  ].filter(([, value]) => value !== undefined);
  const [first, ...others] = given;
  if (others.length > 0)
    throw new UsageError("statistics are about one of --key, --user, --method, --reason and --code");
  if (first === undefined) return undefined;
  const [dimension = "", value = ""] = first;
  if (dimension === "user") return { dimension, value: String(await findUserId(administration, value)) };
  if (dimension === "api_key") return { dimension, value: await findKeyId(administration, value) };
  return { dimension, value };
}

type Answer = MessageShape<typeof getStatistics.output>;
type Group = Answer["byUser"][number];
type Point = MessageShape<typeof getTimeSeries.output>["points"][number];

const figureColumns: readonly Column<Pick<Group, "figures">>[] = [
  ["calls", ({ figures }) => String(figures?.calls ?? 0n)],
  ["errors", ({ figures }) => String(figures?.errors ?? 0n)],
  ["success", ({ figures }) => `${((figures?.successRate ?? 1) * 100).toFixed(1)} %`],
  ["p50", ({ figures }) => milliseconds(figures?.p50Ms)],
  ["p95", ({ figures }) => milliseconds(figures?.p95Ms)],
  ["p99", ({ figures }) => milliseconds(figures?.p99Ms)],
];

const pointColumns: readonly Column<Point>[] = [
  ["since", ({ since }) => (since === undefined ? "" : timestampDate(since).toISOString())],
  ...figureColumns,
];

function report(answer: Answer): string {
  const { since, until, all, dropped } = answer;
  const [from, to] = [since, until].map((at) => (at === undefined ? "" : timestampDate(at).toISOString()));
  const lists: readonly (readonly [string, readonly Group[]])[] = [
    ["method", answer.byProcedure],
    ["API key", answer.byApiKey],
    ["user", answer.byUser],
    ["reason", answer.byReason],
    ["code", answer.byCode],
  ];
  const figures = figureColumns.map(
    ([name, cell]) => [name, cell({ figures: all } as Pick<Group, "figures">)] as const,
  );
  return [
    details([["from", from ?? ""], ["to", to ?? ""], ...figures, ["not written", String(dropped)]]),
    ...lists
      .filter(([, groups]) => groups.length > 0)
      .map(
        ([title, groups]) =>
          `\n${table([[title, ({ value }: Group) => value], ...figureColumns], groups, "")}`,
      ),
  ].join("");
}
