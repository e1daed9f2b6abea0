import { randomUUID } from "node:crypto";
import type { RequestLog, RequestRecord } from "./request-contracts.ts";
import { PackedRequests } from "./request-log/packed-requests.ts";

export interface RequestRecorderOptions {
  readonly log: Pick<RequestLog, "append">;
  /** Rows that may wait to be written. Default: 20,000. What comes when so many wait is dropped, and counted. */
  readonly maxWaiting?: number | undefined;
  /** Default: 250. What was recorded since is lost if the process is killed. */
  readonly flushEveryMs?: number | undefined;
  /** Rows of one write at most: other writers wait for so many. Default: 1000. */
  readonly batchSize?: number | undefined;
  /** Hears of each batch that could not be written. It is kept and tried again as it was; no log writes it twice. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Hears, at most every ten seconds, how many rows were dropped since the last time. */
  readonly onDrop?: ((count: number) => void) | undefined;
}

/** Takes down calls in memory, and writes them in batches. */
export interface RequestRecorder {
  /** Takes one down. Never waits, never fails. */
  record(record: RequestRecord): void;
  /** How many rows are not written yet. */
  readonly waiting: number;
  /** How many rows have been dropped since the start. */
  readonly dropped: number;
  /** How many have been written since the start, and how many times that failed. */
  readonly written: number;
  readonly failures: number;
  /** Resolves when all that was recorded before is written. Rejects if that fails; nothing is lost then. */
  flush(): Promise<void>;
  /** Stops the timer and writes what is left. Rejects if that fails; it may be called again. */
  close(): Promise<void>;
}

const tellDropsEveryMs = 10_000;

interface Batch {
  readonly number: number;
  readonly rows: PackedRequests;
  readonly dropped: number;
}

/** Starts recording. The timer keeps no process alive. */
export function createRequestRecorder(options: RequestRecorderOptions): RequestRecorder {
  return new MemoryRequestRecorder(options);
}

class MemoryRequestRecorder implements RequestRecorder {
  readonly #options: RequestRecorderOptions;
  readonly #maxWaiting: number;
  readonly #batchSize: number;
  readonly #timer: NodeJS.Timeout;
  readonly #writer = randomUUID();
  #number = 0;
  /** Rows that are not written: of the three that follow. */
  #waiting = 0;
  #filling = new PackedRequests();
  /** Was written, and has room for others. */
  #spare: PackedRequests | undefined;
  readonly #full: PackedRequests[] = [];
  /** A batch that may have been written: it goes again as it was, before everything else. */
  #unsure: Batch | undefined;
  #dropped = 0;
  #written = 0;
  #failures = 0;
  /** Of those that were dropped, how many are in no batch yet; and how many were not told. */
  #uncounted = 0;
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** The writing that is under way, settled without regard to its outcome. */
  #writing: Promise<unknown> | undefined;

  constructor(options: RequestRecorderOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? 20_000;
    this.#batchSize = options.batchSize ?? 1000;
    this.#timer = setInterval(() => this.#turn(), options.flushEveryMs ?? 250);
    this.#timer.unref();
  }

  get waiting(): number {
    return this.#waiting;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get written(): number {
    return this.#written;
  }

  get failures(): number {
    return this.#failures;
  }

  record(record: RequestRecord): void {
    if (this.#waiting >= this.#maxWaiting) {
      this.#dropped += 1;
      this.#uncounted += 1;
      this.#untold += 1;
      return;
    }
    this.#filling.add(record);
    this.#waiting += 1;
    if (this.#filling.length >= this.#batchSize) this.#full.push(this.#take());
  }

  async flush(): Promise<void> {
    // Also for rows that another flush took: they are not written before it has ended.
    while (this.#writing !== undefined) await this.#writing;
    const writing = this.#writeAll();
    this.#writing = writing.then(
      () => this.#settle(),
      () => this.#settle(),
    );
    await writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    this.#tellDrops(true);
  }

  #turn(): void {
    this.#tellDrops(false);
    // A log that is slow is not helped by a queue of flushes.
    if (this.#writing === undefined) this.flush().catch((error: unknown) => this.#options.onError?.(error));
  }

  async #writeAll(): Promise<void> {
    if (this.#unsure !== undefined) await this.#write(this.#unsure);
    // What comes meanwhile is left to the next flush.
    let left = this.#waiting;
    while (left > 0 || this.#uncounted > 0) {
      const rows = this.#full.shift() ?? this.#take();
      left -= rows.length;
      this.#number += 1;
      const batch = { number: this.#number, rows, dropped: this.#uncounted };
      this.#uncounted = 0;
      await this.#write(batch);
    }
  }

  #take(): PackedRequests {
    const rows = this.#filling;
    this.#filling = this.#spare ?? new PackedRequests();
    this.#spare = undefined;
    return rows;
  }

  /** Whether a batch that failed was written, nobody can tell: its answer may have been lost. */
  async #write(batch: Batch): Promise<void> {
    this.#unsure = batch;
    const { number, rows, dropped } = batch;
    try {
      await this.#options.log.append(rows, dropped, { writer: this.#writer, number });
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
    this.#unsure = undefined;
    this.#waiting -= rows.length;
    this.#written += rows.length;
    rows.clear();
    this.#spare = rows;
  }

  #settle(): void {
    this.#writing = undefined;
  }

  #tellDrops(now: boolean): void {
    if (this.#untold === 0) return;
    if (!now && performance.now() - this.#toldAt < tellDropsEveryMs) return;
    const count = this.#untold;
    this.#untold = 0;
    this.#toldAt = performance.now();
    this.#options.onDrop?.(count);
  }
}
