import type { RevocationEvent } from "./revocation.ts";

/** An entry of the log and its number. */
export interface NumberedRevocation {
  readonly sequence: number;
  readonly event: RevocationEvent;
}

/** The end of the revocation log as a node knows it, for those who follow the node. */
export interface RevocationFeed {
  /** The number of the last entry. */
  readonly head: number;
  /** When the last reading of the whole log began, on the clock of whoever reads it. */
  readonly knownAt: number;
  /** How often entries were missed, so that everybody has to begin again. */
  readonly restarts: number;
  readonly closed: boolean;
  /** The entries after a number, in order, at most `limit`; undefined if they are not kept here. */
  after(sequence: number, limit: number): readonly NumberedRevocation[] | undefined;
  /** Calls back when there is more, when it began again, and when it was closed. Returns the way to stop that. */
  onChange(listener: () => void): () => void;
}

/** What a follower of the log tells. */
export interface FedRevocations {
  append(entries: readonly NumberedRevocation[]): void;
  /** Entries were missed, or it is the beginning: the log is known up to `head`. */
  restart(head: number): void;
  /** All that has been appended is the whole log as of then. */
  confirm(knownAt: number): void;
}

export interface RevocationFeeder extends RevocationFeed, FedRevocations {
  /** Sends everybody away, before a shutdown that waits for open calls. */
  close(): void;
}

export interface RevocationFeedOptions {
  /** How many entries are kept at the least; who is further behind reads the log. Default: 10,000. */
  readonly capacity?: number | undefined;
}

/** A feed without entries. */
export function createRevocationFeed({ capacity = 10_000 }: RevocationFeedOptions = {}): RevocationFeeder {
  return new MemoryFeed(capacity);
}

class MemoryFeed implements RevocationFeeder {
  readonly #capacity: number;
  readonly #listeners = new Set<() => void>();
  /** Without gaps: the number of the first one is `#base + 1`. */
  #entries: NumberedRevocation[] = [];
  #base = 0;
  knownAt = Number.NEGATIVE_INFINITY;
  restarts = 0;
  closed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get head(): number {
    return this.#base + this.#entries.length;
  }

  after(sequence: number, limit: number): readonly NumberedRevocation[] | undefined {
    if (sequence < this.#base || sequence > this.head) return undefined;
    const start = sequence - this.#base;
    return this.#entries.slice(start, start + limit);
  }

  append(entries: readonly NumberedRevocation[]): void {
    for (const entry of entries) this.#entries.push(entry);
    if (this.#entries.length > 2 * this.#capacity) {
      const gone = this.#entries.length - this.#capacity;
      this.#entries = this.#entries.slice(gone);
      this.#base += gone;
    }
    this.#tell();
  }

  restart(head: number): void {
    this.#entries = [];
    this.#base = head;
    this.restarts += 1;
    this.#tell();
  }

  confirm(knownAt: number): void {
    this.knownAt = knownAt;
  }

  close(): void {
    this.closed = true;
    this.#tell();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
