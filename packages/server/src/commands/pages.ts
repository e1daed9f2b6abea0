import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { note, print, printMessage } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
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

/** The size of a page where none is named. */
const usualSize = 50;
/** How many pages in a row may have nothing before a search is left to whoever wants to go on: each is a moment of the server's. */
const mostEmpty = 100;

interface Gathered<R> {
  readonly rows: readonly R[];
  /** Empty at the end. */
  readonly next: string;
}

/**
 * Reads the page that was asked for, or all. A page of a search may have nothing and not be the last one: it is gone on from, for a
 * while, until something is found. `onPage` hears how many pages there were so far.
 */
export async function gatherPages<R>(
  { pageSize = 0, pageToken = "", all = false }: Pick<PageOptions, "pageSize" | "pageToken" | "all">,
  read: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<Page<R>>,
  onPage: (pages: number) => void = () => {},
): Promise<Gathered<R>> {
  const size = all && pageSize === 0 ? 1000 : pageSize;
  const rows: R[] = [];
  let [next, pages] = [pageToken, 0];
  do {
    const page = await read({ pageSize: size, pageToken: next });
    rows.push(...page.rows);
    next = page.nextPageToken;
    pages += 1;
    onPage(pages);
  } while (next !== "" && (all || (rows.length === 0 && pages < mostEmpty)));
  return { rows, next };
}

/** What to say of what was not read; undefined where nothing is left. */
export function howToGoOn(
  { rows, next }: Gathered<unknown>,
  { pageSize = 0 }: Pick<PageOptions, "pageSize">,
): string | undefined {
  if (next === "") return undefined;
  if (rows.length === 0)
    return `The search is not at its end: go on with --page-token ${next}, or with --all to the end`;
  const isFull = rows.length >= (pageSize === 0 ? usualSize : pageSize);
  return `There ${isFull ? "are" : "may be"} more: --page-token ${next}, or --all`;
}

/** Prints the pages that were asked for, and how to get at the rest. */
export async function printPages<O extends DescMessage, R>(
  options: PageOptions,
  { read, output, answer, columns, none }: Listing<O, R>,
): Promise<void> {
  const tell = process.stderr.isTTY ? progress("pages searched") : undefined;
  const found = await gatherPages(options, read, tell);
  const { rows, next } = found;
  if (options.output === "json") return printMessage(output, answer([...rows], next));
  print(table(columns, rows, next === "" ? none : `${none.replace(/\.$/, "")} so far.`));
  const more = howToGoOn(found, options);
  if (more !== undefined) note(more);
}
