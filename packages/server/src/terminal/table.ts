import { oneLine } from "./failure.ts";

/** One column: its title, and what stands there for a row. */
export type Column<R> = readonly [title: string, cell: (row: R) => string];

/** Rows under their titles, aligned; `empty` where there are none. Ends with a line end. */
export function table<R>(columns: readonly Column<R>[], rows: readonly R[], empty: string): string {
  if (rows.length === 0) return `${empty}\n`;
  const body = rows.map((row) => columns.map(([, cell]) => oneLine(cell(row)) || "-"));
  const lines = [columns.map(([title]) => title), ...body];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => widthOf(line[index] ?? ""))));
  const align = (line: readonly string[]): string =>
    line
      .map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - widthOf(cell)))
      .join("  ")
      .trimEnd();
  return `${lines.map(align).join("\n")}\n`;
}

/** One thing as lines of name and value. Ends with a line end. */
export function details(members: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...members.map(([name]) => widthOf(name)));
  const line = ([name, value]: readonly [string, string]): string =>
    `${name}${" ".repeat(width - widthOf(name))}  ${oneLine(value) || "-"}`;
  return `${members.map(line).join("\n")}\n`;
}

export function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

/** `2026-03-01T12:00:00Z`; the empty text for none. */
export function instant(date: Date | undefined): string {
  return date === undefined ? "" : date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** In code points: near enough, and exact for what nearly all names are made of. */
function widthOf(text: string): number {
  return [...text].length;
}
