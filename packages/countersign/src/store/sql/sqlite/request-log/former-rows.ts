import { BlockBuilder } from "../../../request-log/block/block-builder.ts";
import { binCount, packBins } from "../../../request-log/block/packed-bins.ts";
import { PackedRows } from "../../../request-log/block/packed-rows.ts";
import { PackedRequests } from "../../../request-log/packed-requests.ts";
import type { RollupRow } from "../../../request-log/rollup.ts";
import { type RequestRow, recordOf } from "../../request-log/request-row.ts";
import type { DatabaseSync } from "../node-sqlite.ts";
import type { RequestBlocks } from "./request-blocks.ts";
import type { RequestCounts } from "./request-counts.ts";
import type { Transaction } from "./request-removal.ts";

/** Of either kind, in one transaction. */
const rowsAtOnce = 4096;

/** Where they go. */
interface Target {
  readonly blocks: RequestBlocks;
  readonly counts: RequestCounts;
}

/** What is in a file of version 5 and before, where each call had a row, and each bin of a histogram. */
export class FormerRows {
  readonly #database: DatabaseSync;
  readonly #transaction: Transaction;
  readonly #target: Target;
  #left: boolean;

  constructor(database: DatabaseSync, transaction: Transaction, target: Target) {
    this.#database = database;
    this.#transaction = transaction;
    this.#target = target;
    // In a new file there are none.
    this.#left =
      this.#isThere() && transaction(() => this.#isThere() && (this.#isEmpty() ? this.#end() : true));
  }

  /** Rows are in no block yet: nothing is found, and nothing counted, before they are. */
  get left(): boolean {
    return this.#left;
  }

  /** Brings some of it here. */
  step(): void {
    this.#left = this.#transaction(
      () => this.#isThere() && (this.#moveCounts() || this.#moveRows() || this.#end()),
    );
  }

  #isThere(): boolean {
    const table = "select 1 from sqlite_schema where type = 'table' and name = 'request_log'";
    return this.#database.prepare(table).get() !== undefined;
  }

  #isEmpty(): boolean {
    const some = "select 1 from request_log union all select 1 from request_rollups limit 1";
    return this.#database.prepare(some).get() === undefined;
  }

  #moveCounts(): boolean {
    const key = "step, dimension, start, value, bin";
    const oldest = `from request_rollups order by ${key} limit ${rowsAtOnce}`;
    const cells = this.#database.prepare(`select * ${oldest}`).all() as unknown as readonly RollupRow[];
    const values = Map.groupBy(cells, (cell) => `${cell.step} ${cell.dimension} ${cell.start} ${cell.value}`);
    for (const [first, ...rest] of values.values())
      if (first !== undefined) this.#moveValue([first, ...rest]);
    this.#database.exec(`delete from request_rollups where (${key}) in (select ${key} ${oldest})`);
    return cells.length > 0;
  }

  /** Of one value in one step. */
  #moveValue(cells: readonly [RollupRow, ...RollupRow[]]): void {
    const [{ step, dimension, start, value }] = cells;
    const bins = new Float64Array(binCount);
    let failed = 0;
    for (const { bin, calls, errors } of cells) {
      bins[bin] = calls;
      failed += errors;
    }
    this.#target.counts.write([{ step, dimension, start, value, errors: failed, ...packBins(bins) }]);
  }

  #moveRows(): boolean {
    const oldest = this.#database.prepare(`select * from request_log order by id limit ${rowsAtOnce}`);
    const rows = (oldest.all() as unknown as readonly RequestRow[]).map(recordOf);
    const last = rows.at(-1);
    if (last === undefined) return false;
    const builder = new BlockBuilder(rows.length);
    const packed = PackedRequests.of(rows).message();
    builder.take(new PackedRows(packed, (row) => rows[row]?.id ?? 0), 0, rows.length);
    this.#target.blocks.write(builder);
    this.#database.prepare("delete from request_log where id <= ?").run(last.id);
    return true;
  }

  #end(): false {
    this.#database.exec("drop table request_log; drop table request_rollups");
    return false;
  }
}
