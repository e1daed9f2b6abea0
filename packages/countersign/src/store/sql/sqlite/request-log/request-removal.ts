import { setImmediate as nextTurn } from "node:timers/promises";
import type { RequestRetention } from "../../../request-contracts.ts";
import { keepBatchesMs } from "../../../request-log/kept-batches.ts";
import { steps, storedDimensions } from "../../../request-log/rollup.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { KeptIndex } from "./request-indexes.ts";
import type { Transaction } from "./request-upkeep.ts";

/** Rows that one transaction removes: readers and the writer get their turn in between. */
const pruneSize = 500;

/** Removes what a log in SQLite need not keep. */
export class RequestRemoval {
  readonly #database: DatabaseSync;
  readonly #transaction: Transaction;
  readonly #indexes: readonly KeptIndex[];
  readonly #oldest: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync, transaction: Transaction, indexes: readonly KeptIndex[]) {
    this.#database = database;
    this.#transaction = transaction;
    this.#indexes = indexes;
    // What some part has not seen yet stays for another time.
    this.#oldest = database.prepare(
      `select id from request_log_by_time
       where at < ? and id <= (select min(id) from request_log_upkeep) order by at, id limit ${pruneSize}`,
    );
    this.#remove = database.prepare("delete from request_log where id in (select value from json_each(?))");
  }

  /** What is not in every index and in the statistics yet stays. */
  async prune(now: number, { maxAgeMs, maxBytes }: RequestRetention): Promise<void> {
    for (const { code, ms, keptMs } of Object.values(steps)) {
      const ended = now - keptMs - ms;
      const rollups = `delete from request_rollups where (step, dimension, start, value, bin) in (
        select step, dimension, start, value, bin from request_rollups
        where step = ${code} and dimension = ? and start <= ${ended} limit ${pruneSize})`;
      for (const dimension of storedDimensions) {
        while ((await this.#portion(rollups, dimension)) === pruneSize);
      }
    }
    await this.#portion("delete from request_log_writers where at < ?", now - keepBatchesMs);
    while ((await this.#removeOldest(now - maxAgeMs)) === pruneSize);
    while (this.#bytes() > maxBytes && (await this.#removeOldest(Number.MAX_SAFE_INTEGER)) > 0);
  }

  /** Removes some of the rows that ended before an instant, from every index and from the log. */
  #removeOldest(before: number): Promise<number> {
    return this.#inTurn(() => {
      const ids = JSON.stringify(this.#oldest.all(before).map(({ id }) => id));
      for (const index of this.#indexes) index.remove(ids);
      return Number(this.#remove.run(ids).changes);
    });
  }

  #portion(statement: string, parameter: number): Promise<number> {
    return this.#inTurn(() => Number(this.#database.prepare(statement).run(parameter).changes));
  }

  /** What has come meanwhile goes first. */
  async #inTurn(remove: () => number): Promise<number> {
    await nextTurn();
    const removed = this.#transaction(remove);
    if (removed > 0) this.#database.exec("pragma incremental_vacuum(200)");
    return removed;
  }

  /** What is in use: pages that were given up are filled again, and given back in time. */
  #bytes(): number {
    const pragma = (name: string): number =>
      Number(this.#database.prepare(`pragma ${name}`).get()?.[name] ?? 0);
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }
}
