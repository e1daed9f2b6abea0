import { BlockCounts, type CountedValue } from "../../../request-log/block/block-counts.ts";
import { addedBins } from "../../../request-log/block/packed-bins.ts";
import type { Dropped } from "../../../request-log/rollup.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { RequestBlocks, WrittenRows } from "./request-blocks.ts";
import type { RequestMarks } from "./request-marks.ts";

/** Values of a minute, and rows, that are added up before they are written: a tenth of a second, whichever comes first. */
const mostValues = 8192;
const mostRows = 262_144;

/**
 * Makes the statistics of a log in SQLite. Rows that are written here are added up as they come, and that is written when it is
 * much, or somebody asks; what is not known from that is read. A mark stands beside it, so that a row is counted once whoever
 * does it, and a killed process leaves nothing out. Everything but `saw` is part of a transaction.
 */
export class RequestCounts {
  readonly #marks: RequestMarks;
  readonly #blocks: RequestBlocks;
  readonly #add: StatementSync;
  /** Of the rows after an id, up to another. */
  #seen = new BlockCounts();
  #after = 0;
  #upTo = 0;

  constructor(database: DatabaseSync, marks: RequestMarks, blocks: RequestBlocks) {
    this.#marks = marks;
    this.#blocks = blocks;
    const added = (one: unknown, other: unknown) => addedBins(one as Uint8Array, other as Uint8Array);
    database.function("added_bins", { deterministic: true }, added);
    this.#add = database.prepare(
      `insert into request_counts (step, dimension, start, value, calls, errors, bins) values (?, ?, ?, ?, ?, ?, ?)
       on conflict do update set calls = calls + excluded.calls, errors = errors + excluded.errors,
         bins = added_bins(bins, excluded.bins)`,
    );
  }

  /** True: what was seen is to be kept before more of it comes. */
  get due(): boolean {
    return this.#seen.values >= mostValues || this.#seen.rows >= mostRows;
  }

  /** These rows were written. */
  saw({ after, upTo, blocks }: WrittenRows): void {
    if (after !== this.#upTo) this.#forget(after);
    for (const block of blocks) this.#seen.add(block, after);
    this.#upTo = upTo;
  }

  /** Counts rows that are not counted yet. True: all are now. */
  keep(): boolean {
    const after = this.#marks.get("counts");
    const head = this.#marks.get("head");
    // Somebody else has counted them.
    if (after > this.#after) this.#forget(after);
    if (after >= head) return true;
    const seen = this.#after === after && this.#upTo > after;
    const { counts, upTo } = seen ? { counts: this.#seen, upTo: this.#upTo } : this.#read(after, head);
    this.write(counts.counted());
    this.#marks.set("counts", upTo);
    if (upTo > this.#after) this.#forget(upTo);
    return upTo >= head;
  }

  /** Counts what is in no row. */
  countDropped(dropped: Dropped): void {
    const counts = new BlockCounts();
    counts.addDropped(dropped);
    this.write(counts.counted());
  }

  /** Adds to what is there. */
  write(values: readonly CountedValue[]): void {
    for (const { step, dimension, start, value, calls, errors, bins } of values)
      this.#add.run(step, dimension, start, value, calls, errors, bins);
  }

  #read(after: number, head: number): { readonly counts: BlockCounts; readonly upTo: number } {
    const counts = new BlockCounts();
    for (const block of this.#blocks.after(after)) {
      counts.add(block, after);
      if (counts.values < mostValues && counts.rows < mostRows) continue;
      return { counts, upTo: block.number("id", block.length - 1) };
    }
    // The last ones may be gone.
    return { counts, upTo: head };
  }

  #forget(upTo: number): void {
    this.#seen = new BlockCounts();
    this.#after = upTo;
    this.#upTo = upTo;
  }
}
