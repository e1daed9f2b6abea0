import type { ColumnDataType, ColumnDefinitionBuilder, Kysely, RawBuilder, Transaction } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

/** All that the stores need to know of a database; everything in which SQLite and PostgreSQL differ. */
export interface SqlBackend {
  /** For single statements outside transactions. Sees what is committed, and nothing else. */
  readonly reader: Kysely<SqlSchema>;
  readonly words: SqlWords;
  /**
   * Runs `work` in a transaction which no other one of these overlaps, in this process or another, so that what it
   * reads still holds when it commits. Commits before it resolves; rolls back if `work` rejects.
   */
  write<T>(work: (trx: Transaction<SqlSchema>) => Promise<T>): Promise<T>;
  /**
   * As `write`, for what nobody was told is there: a process that is killed loses nothing of it, a machine without power may lose
   * the last. Where `write` waits for the disk on the main thread, this does not.
   */
  writeLater<T>(work: (trx: Transaction<SqlSchema>) => Promise<T>): Promise<T>;
  /** As `write`, for as long as it takes: for changes of the schema. */
  upgrade<T>(work: (trx: Transaction<SqlSchema>) => Promise<T>): Promise<T>;
  /** See `RevocationLog.onAppend`. Undefined where nobody tells. */
  readonly onAppend: ((listener: () => void) => () => void) | undefined;
  /**
   * Prepares a query with one parameter for the hot path: its first row at once, without the driver's queue.
   * Undefined where the driver cannot do that.
   */
  readonly prepareFirst: (<Row>(sql: string) => (parameter: string | bigint) => Row | undefined) | undefined;
  /** Is the database taken to be away? Undefined for what cannot be. */
  readonly isAway?: (() => boolean) | undefined;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/** Where the two dialects use different words for the same thing. */
export interface SqlWords {
  /** The type of a primary key that is a 64-bit integer. */
  readonly key: ColumnDataType;
  readonly bytes: ColumnDataType;
  /** Makes such a primary key rise by itself and never come twice. */
  readonly rising: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  /** The function of (text, part) that gives the position of the part from 1, or 0. */
  readonly position: string;
  /** What gives each element of a JSON array as `value`, of which `->>` takes a member: many rows as one parameter. */
  readonly elements: (json: string) => RawBuilder<unknown>;
  /** The server's clock as an expression, in milliseconds since the epoch. Undefined: it is this machine's. */
  readonly clock: string | undefined;
  /** The query that gives the `name` of each table that a query without a schema would find. */
  readonly tables: string;
  /** The statements that make a table with a column `sequence` tell `onAppend` of each change of it, once it is committed. */
  readonly announces: (table: string) => readonly string[];
  /** Removes a table, and what was made for it alone. */
  readonly dropTable: (trx: Transaction<SqlSchema>, table: string) => Promise<void>;
  /** The highest rising `id` that a table ever had; undefined for none yet. */
  readonly lastRising: (trx: Transaction<SqlSchema>, table: string) => Promise<bigint | undefined>;
  /** Makes the next one to be one above `last`. */
  readonly continueAfter: (trx: Transaction<SqlSchema>, table: string, last: bigint) => Promise<void>;
  /** Can a table have partitions? Then the request log is one of the tables, and no file of its own. */
  readonly partitions: boolean;
  /** The statements that make a table with a rising integer key `sequence` refuse everything but appending. */
  readonly appendOnly: (table: string) => readonly string[];
  /** The statements that take that back. */
  readonly liftAppendOnly: (table: string) => readonly string[];
}
