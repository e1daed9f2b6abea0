import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";

/** Rows by id: after one, up to another. */
export interface Stretch {
  readonly after: number;
  readonly upTo: number;
}

/** What is made of the rows of a log, and is not written with them. */
export interface RequestPart {
  /** Under which is kept how far it reaches. */
  readonly name: string;
  /** Rows that it is behind by until it is taken on; and at most twice as many are taken in one go. */
  readonly atOnce: number;
  keep(stretch: Stretch): void;
}

/** All of what it does, or nothing. */
export type Transaction = <T>(work: () => T) => T;

/**
 * Makes indexes and statistics of the rows of a log: thousands of rows at a time, some time after these were written. In their
 * own order so many entries change few pages; with each batch of rows they would cost several times as much as the rows
 * themselves. Statistics are completed when somebody asks, and a search looks at what is in no index yet row by
 * row. How far
 * a part reaches stands beside it, so that a row is part of it once whoever does it, and a killed process leaves nothing out.
 */
export class RequestUpkeep {
  readonly #transaction: Transaction;
  readonly #parts: readonly RequestPart[];
  readonly #newest: StatementSync;
  readonly #reached: StatementSync;
  readonly #reach: StatementSync;
  /** The last row that this process knows of; and how far it knows each part to reach. */
  #head = 0;
  readonly #known = new Map<RequestPart, number>();

  constructor(database: DatabaseSync, transaction: Transaction, parts: readonly RequestPart[]) {
    this.#transaction = transaction;
    this.#parts = parts;
    this.#newest = database.prepare("select max(id) as id from request_log");
    this.#reached = database.prepare("select id from request_log_upkeep where part = ?");
    this.#reach = database.prepare(
      "insert into request_log_upkeep (part, id) values (?, ?) on conflict do update set id = excluded.id",
    );
  }

  /** Rows were written, the last of them with this id. */
  wrote(id: number): void {
    this.#head = id;
  }

  /** What is to be taken on before more rows come, so that little is left to whoever asks. */
  due(): readonly RequestPart[] {
    return this.#parts.filter((part) => this.#head - (this.#known.get(part) ?? 0) >= part.atOnce);
  }

  /** Rows that a part does not have, also of other processes. */
  behind(part: RequestPart): number {
    return idOf(this.#newest.get()) - idOf(this.#reached.get(part.name));
  }

  /** Takes a part on by one stretch. True: it has all rows now. */
  step(part: RequestPart, most = 2 * part.atOnce): boolean {
    const { reached, newest } = this.#transaction(() => this.#takeOn(part, most));
    this.#known.set(part, reached);
    return reached >= newest;
  }

  #takeOn(part: RequestPart, most: number): { readonly reached: number; readonly newest: number } {
    const after = idOf(this.#reached.get(part.name));
    const newest = idOf(this.#newest.get());
    const upTo = Math.min(after + most, newest);
    // The rows that it reached may be gone.
    if (upTo <= after) return { reached: after, newest };
    part.keep({ after, upTo });
    this.#reach.run(part.name, upTo);
    return { reached: upTo, newest };
  }
}

function idOf(row: Record<string, unknown> | undefined): number {
  return Number(row?.["id"] ?? 0);
}
