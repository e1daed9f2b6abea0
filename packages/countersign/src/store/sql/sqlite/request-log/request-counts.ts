import { type CountedRecord, type Dropped, rollUp } from "../../../request-log/rollup.ts";
import { type CountedRow, countedOf } from "../../request-log/request-row.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";

/** Rows that are counted in one go: about a tenth of a second. */
export const countedAtOnce = 8192;

/**
 * The statistics of a log in SQLite. They are made of its rows, many at a time, some time after these were written: counting
 * each batch as it comes costs three times as much as writing it. Up to where they reach stands beside them, so that a row is
 * counted once whoever does it, and a killed process leaves nothing uncounted. Everything here is part of a transaction.
 */
export class RequestCounts {
  readonly #begin: StatementSync;
  readonly #rows: StatementSync;
  readonly #end: StatementSync;
  readonly #add: StatementSync;

  constructor(database: DatabaseSync) {
    this.#begin = database.prepare("select id from request_log_counted");
    this.#rows = database.prepare(
      `select id, at, duration_us, code, procedure, reason, user_id, api_key_id, tenant_id
       from request_log where id > ? order by id limit ${countedAtOnce}`,
    );
    this.#end = database.prepare("update request_log_counted set id = ?");
    this.#add = database.prepare(
      `insert into request_rollups (step, dimension, start, value, bin, calls, errors) values (?, ?, ?, ?, ?, ?, ?)
       on conflict do update set calls = calls + excluded.calls, errors = errors + excluded.errors`,
    );
  }

  /** Counts the oldest rows that are not counted yet. How many they were: fewer than `countedAtOnce` are all there are. */
  count(): number {
    const rows = this.#rows.all(Number(this.#begin.get()?.["id"])) as unknown as readonly (CountedRow & {
      readonly id: number;
    })[];
    const last = rows.at(-1);
    if (last === undefined) return 0;
    this.#write(rows.map(countedOf));
    this.#end.run(last.id);
    return rows.length;
  }

  /** Counts what is in no row. */
  countDropped(dropped: Dropped): void {
    this.#write([], dropped);
  }

  #write(rows: readonly CountedRecord[], dropped?: Dropped): void {
    for (const { step, dimension, start, value, bin, calls, errors } of rollUp(rows, dropped))
      this.#add.run(step, dimension, start, value, bin, calls, errors);
  }
}
