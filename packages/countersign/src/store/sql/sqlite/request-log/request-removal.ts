import { setImmediate as nextTurn } from "node:timers/promises";
import type { RequestRetention } from "../../../request-contracts.ts";
import { keepBatchesMs } from "../../../request-log/kept-batches.ts";
import { steps, storedDimensions } from "../../../request-log/rollup.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { BlockRow, RequestBlocks } from "./request-blocks.ts";
import type { RequestMarks } from "./request-marks.ts";

/** Counts that one transaction removes: readers and the writer get their turn in between. */
const pruneSize = 500;

/** All of what it does, or nothing. */
export type Transaction = <T>(work: () => T) => T;

/** Removes what a log in SQLite need not keep. */
export class RequestRemoval {
  readonly #database: DatabaseSync;
  readonly #transaction: Transaction;
  readonly #blocks: RequestBlocks;
  readonly #marks: RequestMarks;
  readonly #oldest: StatementSync;
  readonly #withOld: StatementSync;

  constructor(database: DatabaseSync, transaction: Transaction, blocks: RequestBlocks, marks: RequestMarks) {
    this.#database = database;
    this.#transaction = transaction;
    this.#blocks = blocks;
    this.#marks = marks;
    const counted = `select first_id, rows, level from request_blocks indexed by request_blocks_by_time
      where last_id <= ?`;
    this.#oldest = database.prepare(`${counted} order by latest limit 1`);
    this.#withOld = database.prepare(`${counted} and earliest < ? order by latest limit 1`);
  }

  /** What is not in the statistics yet stays. */
  async prune(now: number, { maxAgeMs, maxBytes }: RequestRetention): Promise<void> {
    for (const { code, ms, keptMs } of Object.values(steps)) {
      const ended = now - keptMs - ms;
      const counts = `delete from request_counts where (step, dimension, start, value) in (
        select step, dimension, start, value from request_counts
        where step = ${code} and dimension = ? and start <= ${ended} limit ${pruneSize})`;
      for (const dimension of storedDimensions) {
        while ((await this.#portion(counts, dimension)) === pruneSize);
      }
    }
    await this.#portion("delete from request_log_writers where at < ?", now - keepBatchesMs);
    while ((await this.#inTurn(() => this.#removeBefore(now - maxAgeMs))) > 0);
    while ((await this.#inTurn(() => (this.#bytes() > maxBytes ? this.#removeOldest() : 0))) > 0);
  }

  /** Of one block, what ended before an instant. */
  #removeBefore(instant: number): number {
    const block = this.#one(this.#withOld, instant);
    if (block === undefined) return 0;
    return this.#blocks.rewrite(block, (rows, row) => rows.number("at", row) >= instant);
  }

  /** The block whose rows ended first. */
  #removeOldest(): number {
    const block = this.#one(this.#oldest);
    return block === undefined ? 0 : this.#blocks.rewrite(block, () => false);
  }

  #one(statement: StatementSync, ...values: readonly number[]): BlockRow | undefined {
    return statement.get(this.#marks.get("counts"), ...values) as unknown as BlockRow | undefined;
  }

  #portion(statement: string, parameter: number): Promise<number> {
    return this.#inTurn(() => Number(this.#database.prepare(statement).run(parameter).changes));
  }

  /** What has come meanwhile goes first. */
  async #inTurn(remove: () => number): Promise<number> {
    await nextTurn();
    return this.#transaction(() => {
      const removed = remove();
      if (removed > 0) this.#database.exec("pragma incremental_vacuum(200)");
      return removed;
    });
  }

  /** What is in use: pages that were given up are filled again, and given back in time. */
  #bytes(): number {
    const pragma = (name: string): number =>
      Number(this.#database.prepare(`pragma ${name}`).get()?.[name] ?? 0);
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }
}
