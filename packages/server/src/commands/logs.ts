import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { LogService } from "countersign/descriptors";
import { oneLine, UsageError } from "../terminal/failure.ts";
import { messageJson, note, print, printMessage } from "../terminal/output.ts";
import { details } from "../terminal/table.ts";
import { addGroup, type Named } from "./command.ts";
import {
  addFilterOptions,
  addTimeOptions,
  type FilterOptions,
  filterOf,
  requestColumns,
  requestDetails,
  requestLine,
} from "./log-text.ts";
import { addStatsCommand } from "./logs-stats.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { listRequests, getRequest, watchRequests, exportRequests } = LogService.method;

/** `countersign logs`: calls that were served and refused. */
export function addLogsCommand(program: Command, named: Named): void {
  const logs = addGroup(program, named);
  addList(logs);
  addShow(logs);
  addTail(logs);
  addExport(logs);
  addStatsCommand(logs);
}

function addList(logs: Command): void {
  const command = addTargetCommand(logs, {
    usage: "list",
    description: "requests, newest first",
    examples: [
      "logs list --status error --since 1h",
      "logs list --key 0A1b2C3d4E5f6G7h8 --user alice -o json",
    ],
    own: ["key"],
  }).option("--key <key>", "calls with this API key, by its id or what it begins with");
  addPageOptions(addTimeOptions(addFilterOptions(command), "default: the beginning")).action(
    (options: PageOptions & FilterOptions) =>
      administer(options, async (administration) => {
        const filter = await filterOf(administration, options);
        await printPages(options, {
          async read(page) {
            const answer = await administration.call(listRequests, { ...page, filter });
            return { rows: answer.requests, nextPageToken: answer.nextPageToken };
          },
          output: listRequests.output,
          answer: (requests, nextPageToken) => create(listRequests.output, { requests, nextPageToken }),
          columns: requestColumns,
          none: "No requests.",
        });
      }),
  );
}

function addShow(logs: Command): void {
  addTargetCommand(logs, {
    usage: "show <id>",
    description: "one request, by the id that its caller was told as x-request-id",
    examples: ["logs show 01a20251-26ff-7e6b-91c9-a560a4c10a02"],
  }).action((requestId: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(getRequest, { requestId });
      if (options.output === "json") return printMessage(getRequest.output, answer);
      if (answer.request !== undefined) print(details(requestDetails(answer.request)));
      if (answer.others > 0)
        note(`${answer.others} more have this id, which callers have chosen: logs list --text ${requestId}`);
    }),
  );
}

function addTail(logs: Command): void {
  const command = addTargetCommand(logs, {
    usage: "tail",
    description: "requests as they end, until it is interrupted",
    more: "With -o json, one line of JSON for each request.",
    examples: ["logs tail", "logs tail --status error -o json"],
    own: ["key"],
  }).option("--key <key>", "calls with this API key, by its id or what it begins with");
  addFilterOptions(command).action((options: TargetOptions & FilterOptions) =>
    administer(options, async (administration) => {
      const filter = await filterOf(administration, options);
      const leaving = new AbortController();
      process.once("SIGINT", () => leaving.abort());
      process.once("SIGTERM", () => leaving.abort());
      for await (const { requests, missed } of administration.stream(
        watchRequests,
        { filter },
        leaving.signal,
      )) {
        if (missed > 0n) note(`${missed} requests came too quickly to be shown`);
        for (const request of requests) print(lineOf(options.output, request));
      }
    }),
  );
}

function lineOf(output: string, request: Parameters<typeof requestLine>[0]): string {
  if (output === "text") return `${oneLine(requestLine(request))}\n`;
  return `${JSON.stringify(messageJson(listRequests.output.field.requests.message as never, request as never))}\n`;
}

interface ExportOptions extends TargetOptions, FilterOptions {
  readonly format: string;
}

function addExport(logs: Command): void {
  const command = addTargetCommand(logs, {
    usage: "export",
    description: "requests as a file, on standard output, newest first",
    examples: [
      "logs export --format csv --since 7d > requests.csv",
      "logs export --format ndjson | jq .reason",
    ],
    own: ["key"],
  })
    .requiredOption("--format <format>", "csv or ndjson")
    .option("--key <key>", "calls with this API key, by its id or what it begins with");
  addTimeOptions(addFilterOptions(command), "default: the beginning").action((options: ExportOptions) =>
    administer(options, async (administration) => {
      const { format } = options;
      if (format !== "csv" && format !== "ndjson") throw new UsageError("--format is csv or ndjson");
      const filter = await filterOf(administration, options);
      const text = new TextDecoder();
      for await (const { data } of administration.stream(exportRequests, { filter, format }))
        await written(text.decode(data, { stream: true }));
    }),
  );
}

/** No faster than it is read. */
async function written(text: string): Promise<void> {
  print(text);
  if (process.stdout.writableNeedDrain) await new Promise((resolve) => process.stdout.once("drain", resolve));
}
