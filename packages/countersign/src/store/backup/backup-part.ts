/** What a column holds, in any database. */
export type ColumnKind = "integer" | "text" | "bytes";

export interface BackupColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A `bigint` is an integer beyond 2^53. */
export type BackupValue = string | number | bigint | Uint8Array | null;
export type BackupRow = readonly BackupValue[];

/** A piece of a backup. Rows belong to the table that was named last. */
export type BackupPart =
  | { readonly kind: "table"; readonly name: string; readonly columns: readonly BackupColumn[] }
  | { readonly kind: "rows"; readonly rows: readonly BackupRow[] }
  /** The highest number that a table's rising key ever had. */
  | { readonly kind: "rising"; readonly table: string; readonly last: bigint };

/** All that a database of Countersign's holds at one moment, read while others write. */
export interface Snapshot {
  readonly schemaVersion: number;
  /** Can be read once. */
  readonly parts: AsyncIterable<BackupPart>;
  close(): Promise<void>;
}

/** A file that is no backup, is damaged, or cannot be opened with this passphrase. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}
