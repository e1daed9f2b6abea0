import { CompactMap } from "./compact-map.ts";

/** How many of the latest changes are kept apart: so few stay in the processor's cache. */
const latest = 1024;

/**
 * A `CompactMap` that is asked mostly about what is new. Who was told at a version that a text is not there needs to look
 * only at what came after: often at nothing, else at a small map. A million entries then cost a question no more than a few.
 */
export class DatedMap {
  readonly #width: 1 | 2;
  readonly #all: CompactMap;
  #recent: CompactMap;
  /** What is in `#recent` came after this version, and all that came after it is there. */
  #recentSince = 0;
  #changedAt = 0;

  constructor(width: 1 | 2) {
    this.#width = width;
    this.#all = new CompactMap(width);
    this.#recent = new CompactMap(width);
  }

  get size(): number {
    return this.#all.size;
  }

  /** As of a `CompactMap`; `since`: what came before that version need not be found. */
  get(text: string, since: number, column = 0): number | undefined {
    if (since >= this.#changedAt) return undefined;
    return (since >= this.#recentSince ? this.#recent : this.#all).get(text, column);
  }

  /** `version`: when this is; it never goes down. */
  raise(text: string, version: number, first: number, second = 0): void {
    if (this.#recent.size >= latest) {
      this.#recent = new CompactMap(this.#width);
      this.#recentSince = version;
    }
    this.#changedAt = version;
    this.#recent.raise(text, first, second);
    this.#all.raise(text, first, second);
  }

  deleteUpTo(limit: number): void {
    this.#recent.deleteUpTo(limit);
    this.#all.deleteUpTo(limit);
  }
}
