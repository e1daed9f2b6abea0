import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { note, print, printMessage } from "../terminal/output.ts";
import { type Column, table } from "../terminal/table.ts";
import { wholeNumber } from "./command.ts";
import type { TargetOptions } from "./target.ts";

/** What commands that list can be told. */
export interface PageOptions extends TargetOptions {
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
  readonly all?: boolean | undefined;
}

interface Page<R> {
  readonly rows: readonly R[];
  /** Empty after the last one. */
  readonly nextPageToken: string;
}

/** What a command lists, and how. */
export interface Listing<O extends DescMessage, R> {
  readonly read: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<Page<R>>;
  /** The RPC's answer, which is also the JSON of several pages together. */
  readonly output: O;
  readonly answer: (rows: R[], nextPageToken: string) => MessageShape<O>;
  readonly columns: readonly Column<R>[];
  /** What is said where there are no rows. */
  readonly none: string;
}

/** Adds the options of a list. */
export function addPageOptions(command: Command): Command {
  return command
    .option("--page-size <n>", "at most so many; up to 1,000 (default: 50)", wholeNumber)
    .option("--page-token <token>", "go on where a page ended")
    .option("--all", "every page");
}

/** Prints the pages that were asked for, and how to get at the rest. */
export async function printPages<O extends DescMessage, R>(
  options: PageOptions,
  { read, output, answer, columns, none }: Listing<O, R>,
): Promise<void> {
  const { pageSize = 0, pageToken = "", all = false } = options;
  const size = all && pageSize === 0 ? 1000 : pageSize;
  const rows: R[] = [];
  let next = pageToken;
  do {
    const page = await read({ pageSize: size, pageToken: next });
    rows.push(...page.rows);
    next = page.nextPageToken;
  } while (all && next !== "");
  if (options.output === "json") return printMessage(output, answer(rows, next));
  print(table(columns, rows, none));
  if (next !== "") note(`There are more: --page-token ${next}, or --all`);
}
