import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ApiKeyService } from "countersign/descriptors";
import { readInstant } from "../terminal/instant.ts";
import { plural } from "../terminal/plural.ts";
import { readCsv } from "./csv.ts";

type Imported = NonNullable<
  MessageInitShape<(typeof ApiKeyService.method.importApiKeys)["input"]>["keys"]
>[number];

/** One line of a file of keys: what it says, or what is wrong with it. */
export interface ImportLine {
  /** From 1, as an editor counts. */
  readonly line: number;
  readonly key?: Imported;
  readonly problem?: string;
}

export type ImportFormat = "csv" | "ndjson";

/** What a line may say. `owner` is a username, or `id:7`; lists are separated by spaces in CSV. */
const members = [
  "hash",
  "algorithm",
  "prefix",
  "name",
  "owner",
  "type",
  "description",
  "expires_at",
  "scopes",
  "roles",
  "tags",
];
const lists = ["scopes", "roles", "tags"];

const needed = ["hash", "name", "owner"];

/** Reads keys from CSV with a line of titles, or from JSON, one object a line. */
export function readImportFile(text: string, format: ImportFormat): readonly ImportLine[] {
  return format === "csv" ? readCsvLines(text) : readJsonLines(text);
}

function readJsonLines(text: string): readonly ImportLine[] {
  return text.split("\n").flatMap((row, index) => {
    const line = index + 1;
    if (row.trim() === "") return [];
    let value: unknown;
    try {
      value = JSON.parse(row);
    } catch {
      return [{ line, problem: "not JSON" }];
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return [{ line, problem: "not a JSON object" }];
    return [readLine(line, value as Record<string, unknown>)];
  });
}

function readCsvLines(text: string): readonly ImportLine[] {
  const [titles, ...rows] = readCsv(text);
  if (titles === undefined) return [];
  const names = titles.cells.map((title) => title.trim().toLowerCase());
  const wrong = titles.problem ?? titlesProblem(names);
  if (wrong !== undefined) return [{ line: titles.line, problem: wrong }];
  return rows.map(({ line, cells, problem }) => {
    if (problem !== undefined) return { line, problem };
    if (cells.length !== names.length) return { line, problem: countProblem(cells, names.length) };
    const given = cells.flatMap((cell, index): readonly (readonly [string, unknown])[] => {
      const name = names[index] ?? "";
      if (cell.trim() === "") return members.includes(name) ? [] : [[name, cell]];
      return [[name, lists.includes(name) ? cell.trim().split(/[\s;]+/) : cell]];
    });
    return readLine(line, Object.fromEntries(given));
  });
}

/** What is wrong with the titles: nothing below them can be read then. What is there may be a key's hash, and is repeated only among titles. */
function titlesProblem(names: readonly string[]): string | undefined {
  const all = members.join(", ");
  if (!names.some((name) => members.includes(name))) return `the first line has to name the columns: ${all}`;
  const stray = names.find((name) => name !== "" && !members.includes(name));
  if (stray !== undefined) return `"${stray.slice(0, 40)}" is no column: ${all}`;
  const twice = names.find((name, index) => name !== "" && names.indexOf(name) < index);
  if (twice !== undefined) return `the column ${twice} is there twice`;
  const missing = needed.filter((name) => !names.includes(name));
  return missing.length === 0 ? undefined : `columns are missing: ${missing.join(", ")}`;
}

function countProblem(cells: readonly string[], titles: number): string {
  const counts = `${plural(cells.length, "cell")} under ${plural(titles, "title")}`;
  const swallowed = cells.some((cell) => cell.includes("\n"));
  return swallowed ? `${counts}; one goes on over several lines: is its quotation mark closed?` : counts;
}

function readLine(line: number, value: Readonly<Record<string, unknown>>): ImportLine {
  const stray = Object.keys(value).find((name) => !members.includes(name));
  if (stray !== undefined)
    return { line, problem: `"${stray.slice(0, 40)}" is not one of ${members.join(", ")}` };
  for (const name of members) {
    const given = value[name];
    const fits = lists.includes(name)
      ? Array.isArray(given) && given.every((one) => typeof one === "string")
      : typeof given === "string";
    if (given !== undefined && !fits)
      return { line, problem: `${name}: ${lists.includes(name) ? "a list of texts" : "a text"}` };
  }
  const text = (name: string): string => (typeof value[name] === "string" ? value[name] : "").trim();
  const list = (name: string): string[] => (Array.isArray(value[name]) ? [...(value[name] as string[])] : []);
  const expires = text("expires_at");
  const expiresAt = expires === "" ? undefined : readInstant(expires);
  if (expires !== "" && expiresAt === undefined)
    return { line, problem: "expires_at: an instant such as 2027-01-01T00:00:00Z" };
  const [, id] = /^id:(\d{1,18})$/.exec(text("owner")) ?? [];
  const owner = id === undefined ? { username: text("owner") } : { userId: BigInt(id) };
  return {
    line,
    key: {
      ...owner,
      ...{
        hash: text("hash"),
        algorithm: text("algorithm").toLowerCase(),
        prefix: text("prefix"),
        name: text("name"),
      },
      ...{ type: text("type"), description: text("description") },
      ...{ scopes: list("scopes"), roles: list("roles"), tags: list("tags") },
      ...(expiresAt !== undefined && { expiresAt: timestampFromMs(expiresAt) }),
    },
  };
}
