import type { RequestLog, StoredRequest } from "../store/request-contracts.ts";

type Log = Pick<RequestLog, "head" | "since">;

/** How often the log is asked for new rows, while somebody wants them. */
const everyMs = 300;
/** Rows of one question. Three times as many between two turns are the most that is handed on. */
const pageSize = 1000;
const pagesPerTurn = 3;
/** Nodes write at the same time, so that rows are seen out of order: for so long it is looked for late ones. */
const lateMs = 2000;

/** Rows that may wait for one reader. */
const longestLine = 2000;

/** What a reader gets at a time. */
export interface TailBatch {
  readonly rows: readonly StoredRequest[];
  /** Rows that were passed over since the last time. */
  readonly missed: number;
}

/** New rows of a request log, for any number of readers: however many there are, the log is asked once. */
export class RequestTail {
  readonly #log: Log;
  readonly #readers = new Set<TailReader>();
  readonly #seen = new Set<number>();
  /** Heads as they were seen, the oldest first. */
  #heads: { readonly at: number; readonly id: number }[] = [];
  /** Every row up to here was seen. */
  #settled = 0;
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Begins with what is written from now on. */
  async follow(): Promise<TailReader> {
    const reader = new TailReader((gone) => this.#leave(gone));
    if (this.#readers.size === 0) {
      this.#settled = await this.#log.head();
      this.#seen.clear();
      this.#heads = [];
    }
    this.#readers.add(reader);
    this.#timer ??= setInterval(() => this.#turn(), everyMs).unref();
    return reader;
  }

  #leave(reader: TailReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #turn(): void {
    // A log that is away has nothing new; it is asked again.
    this.#asking ??= this.#ask()
      .catch(() => {})
      .finally(() => {
        this.#asking = undefined;
      });
  }

  async #ask(): Promise<void> {
    for (let page = 0; page < pagesPerTurn; page += 1) {
      const rows = await this.#log.since(this.#settled, pageSize);
      const fresh = rows.filter(({ id }) => !this.#seen.has(id));
      for (const { id } of fresh) this.#seen.add(id);
      for (const reader of this.#readers) reader.offer(fresh);
      const last = rows.at(-1)?.id ?? this.#settled;
      if (rows.length < pageSize) {
        this.#settleBefore(last);
        return;
      }
      // So many that nobody waits for late ones.
      this.#settle(last);
    }
    const head = await this.#log.head();
    for (const reader of this.#readers) reader.miss(head - this.#settled);
    this.#settle(head);
  }

  #settleBefore(id: number): void {
    const now = performance.now();
    this.#heads.push({ at: now, id });
    while ((this.#heads[0]?.at ?? now) < now - lateMs) {
      const settled = this.#heads.shift()?.id ?? 0;
      if (settled > this.#settled) this.#settle(settled);
    }
  }

  #settle(id: number): void {
    this.#settled = id;
    for (const seen of this.#seen) if (seen <= id) this.#seen.delete(seen);
  }
}

/** One reader's line. A reader who is too slow loses the newest, and hears how many. */
export class TailReader {
  readonly #leave: (reader: TailReader) => void;
  #line: StoredRequest[] = [];
  #missed = 0;
  #wake: (() => void) | undefined;
  #over = false;

  constructor(leave: (reader: TailReader) => void) {
    this.#leave = leave;
  }

  offer(rows: readonly StoredRequest[]): void {
    const room = longestLine - this.#line.length;
    this.#line.push(...rows.slice(0, room));
    this.miss(Math.max(rows.length - room, 0));
    if (rows.length > 0) this.#wake?.();
  }

  miss(count: number): void {
    this.#missed += count;
  }

  /** The next rows, as soon as there are some; undefined when it is over. */
  async next(): Promise<TailBatch | undefined> {
    while (this.#line.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#over) return undefined;
    const batch = { rows: this.#line.splice(0, 200), missed: this.#missed };
    this.#missed = 0;
    return batch;
  }

  end(): void {
    this.#over = true;
    this.#leave(this);
    this.#wake?.();
  }
}
