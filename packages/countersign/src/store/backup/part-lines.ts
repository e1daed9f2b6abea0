import {
  type BackupColumn,
  BackupError,
  type BackupPart,
  type BackupRow,
  type BackupValue,
} from "./backup-part.ts";

/** How many rows are handed on at a time. */
const batchSize = 500;
/** A line that is longer is no row of ours. */
const longestLine = 64 * 1024 * 1024;
const name = /^[a-z_][a-z0-9_]{0,62}$/;
const kinds: readonly string[] = ["integer", "text", "bytes"] satisfies readonly BackupColumn["kind"][];

/** Parts as lines of JSON: one object for each table, one array for each row, and the number of rows as the last. */
export async function* toLines(parts: AsyncIterable<BackupPart>): AsyncGenerator<string> {
  let rows = 0;
  for await (const part of parts) {
    if (part.kind === "rows") {
      rows += part.rows.length;
      yield part.rows.map((row) => `${JSON.stringify(row.map(toJson))}\n`).join("");
    } else if (part.kind === "table") {
      const columns = part.columns.map(({ name, kind }) => [name, kind]);
      yield `${JSON.stringify({ table: part.name, columns })}\n`;
    } else yield `${JSON.stringify({ rising: part.table, last: String(part.last) })}\n`;
  }
  yield `${JSON.stringify({ end: rows })}\n`;
}

/** The opposite. Throws `BackupError` for what `toLines` does not write, and for an end that is missing. */
export async function* fromLines(text: AsyncIterable<string>): AsyncGenerator<BackupPart> {
  let columns: readonly BackupColumn[] | undefined;
  let batch: BackupRow[] = [];
  let rows = 0;
  let ended = false;
  for await (const line of linesOf(text)) {
    if (ended) throw broken();
    const value = parse(line);
    if (Array.isArray(value)) {
      if (columns === undefined || value.length !== columns.length) throw broken();
      const kinds = columns;
      batch.push(value.map((member, index) => fromJson(member, kinds[index])));
      rows += 1;
      if (batch.length < batchSize) continue;
    }
    if (batch.length > 0) yield { kind: "rows", rows: batch };
    batch = [];
    if (Array.isArray(value)) continue;
    if (value["end"] !== undefined) {
      if (value["end"] !== rows) throw broken();
      ended = true;
      continue;
    }
    const part = toPart(value);
    if (part.kind === "table") columns = part.columns;
    yield part;
  }
  if (!ended) throw broken();
}

function toPart(value: Readonly<Record<string, unknown>>): BackupPart {
  const { table, columns, rising, last } = value;
  if (isName(rising) && typeof last === "string" && /^\d{1,19}$/.test(last))
    return { kind: "rising", table: rising, last: BigInt(last) };
  if (!isName(table) || !Array.isArray(columns)) throw broken();
  return { kind: "table", name: table, columns: columns.map(toColumn) };
}

function toColumn(pair: unknown): BackupColumn {
  const [column, kind] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
  if (!isName(column) || typeof kind !== "string" || !kinds.includes(kind)) throw broken();
  return { name: column, kind: kind as BackupColumn["kind"] };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && name.test(value);
}

function toJson(value: BackupValue): string | number | null {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function fromJson(value: unknown, column: BackupColumn | undefined): BackupValue {
  if (value === null) return null;
  if (column?.kind === "integer") {
    if (Number.isSafeInteger(value)) return value as number;
    if (typeof value === "string" && /^-?\d{1,19}$/.test(value)) return BigInt(value);
    throw broken();
  }
  if (typeof value !== "string") throw broken();
  return column?.kind === "bytes" ? new Uint8Array(Buffer.from(value, "base64")) : value;
}

function parse(line: string): unknown[] | Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as unknown[] | Record<string, unknown>;
  } catch {
    // Told below: what the parser says may quote the row.
  }
  throw broken();
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine) throw broken();
    yield* lines;
  }
  if (rest !== "") throw broken();
}

function broken(): BackupError {
  return new BackupError("the backup is damaged, or was cut off");
}
