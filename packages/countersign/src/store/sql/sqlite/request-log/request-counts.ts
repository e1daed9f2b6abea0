import {
  type CountedRecord,
  type Dropped,
  Rollup,
  type RollupRow,
  rollUp,
} from "../../../request-log/rollup.ts";
import { type CountedRow, countedOf } from "../../request-log/request-row.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { RequestPart, Stretch } from "./request-upkeep.ts";

/**
 * The statistics of a log in SQLite. Rows that are written here are added up as they come; what is not known from that is read.
 * Everything but `saw` is part of a transaction.
 */
export class RequestCounts implements RequestPart {
  readonly name = "counts";
  /** A tenth of a second. */
  readonly atOnce = 16_384;
  readonly #rows: StatementSync;
  readonly #add: StatementSync;
  /** Of the rows of one stretch. */
  #seen = new Rollup();
  #stretch: Stretch = { after: 0, upTo: 0 };

  constructor(database: DatabaseSync) {
    this.#rows = database.prepare(
      `select at, duration_us, code, procedure, reason, user_id, api_key_id, tenant_id
       from request_log where id > ? and id <= ? order by id`,
    );
    this.#add = database.prepare(
      `insert into request_rollups (step, dimension, start, value, bin, calls, errors) values (?, ?, ?, ?, ?, ?, ?)
       on conflict do update set calls = calls + excluded.calls, errors = errors + excluded.errors`,
    );
  }

  /** These rows were written, and nothing in between. */
  saw({ after, upTo }: Stretch, rows: readonly CountedRecord[]): void {
    if (after !== this.#stretch.upTo) this.#forget(after);
    for (const row of rows) this.#seen.add(row);
    this.#stretch = { after: this.#stretch.after, upTo };
  }

  keep({ after, upTo }: Stretch): void {
    const seen = this.#stretch.after === after && this.#stretch.upTo === upTo;
    this.#write(seen ? this.#seen.rows() : rollUp(this.#read(after, upTo)));
    this.#forget(upTo);
  }

  /** Counts what is in no row. */
  countDropped(dropped: Dropped): void {
    this.#write(rollUp([], dropped));
  }

  #read(after: number, upTo: number): readonly CountedRecord[] {
    return (this.#rows.all(after, upTo) as unknown as readonly CountedRow[]).map(countedOf);
  }

  #forget(upTo: number): void {
    this.#seen = new Rollup();
    this.#stretch = { after: upTo, upTo };
  }

  #write(rows: readonly RollupRow[]): void {
    for (const { step, dimension, start, value, bin, calls, errors } of rows)
      this.#add.run(step, dimension, start, value, bin, calls, errors);
  }
}
