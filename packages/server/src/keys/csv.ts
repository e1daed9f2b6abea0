/** One row of CSV, and the line on which it begins, from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
  /** Why it is no row, and how to mend it: it has no cells then. */
  readonly problem?: string;
}

const cellForm = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

const mend = "put the whole cell in quotation marks, and write a mark that is part of it twice";
const unclosed = `a quotation mark that opens a cell is not closed at its end: ${mend}`;
const unopened = `a quotation mark in a cell that does not begin with one: ${mend}`;

/** Reads CSV (RFC 4180): commas, cells in quotes where they have to be, a quote in them twice. Empty lines are left out. */
export function readCsv(text: string): readonly CsvRow[] {
  const rows: CsvRow[] = [];
  const body = text.replace(/^\ufeff/, "");
  let [line, begins, cells]: [number, number, string[]] = [1, 1, []];
  cellForm.lastIndex = 0;
  while (cellForm.lastIndex < body.length) {
    const at = cellForm.lastIndex;
    const match = cellForm.exec(body);
    if (match === null) {
      // A quote where none can be: the rest of this line is no CSV.
      const end = body.indexOf("\n", at);
      rows.push({ line: begins, cells: [], problem: body[at] === '"' ? unclosed : unopened });
      [line, cells] = [line + 1, []];
      begins = line;
      if (end === -1) return rows;
      cellForm.lastIndex = end + 1;
      continue;
    }
    const [whole, quoted, plain = "", separator] = match;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split("\n").length - 1;
    if (separator === "," && cellForm.lastIndex < body.length) continue;
    if (separator === ",") cells.push("");
    if (cells.some((cell) => cell !== "")) rows.push({ line: begins, cells });
    [begins, cells] = [line, []];
  }
  return rows;
}
