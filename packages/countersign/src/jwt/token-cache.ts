import type { CacheReadings } from "../core/cache-readings.ts";

/** Something that is remembered under the whole header value that it was made from. */
export interface TokenCacheEntry {
  readonly value: string;
}

export interface TokenCacheOptions {
  /** Most entries that are kept; at least 2. The half that was used last is always among them. */
  readonly capacity: number;
}

/** Verified credentials by their text. It knows nothing of time: whoever reads an entry checks that it still holds. */
export interface TokenCache<E extends TokenCacheEntry> extends CacheReadings {
  /** The entry for exactly this text. */
  get(value: string): E | undefined;
  set(entry: E): void;
  delete(value: string): void;
  clear(): void;
}

/**
 * Characters of the tail that are looked up. They are the end of a signature, so they differ; hashing them instead of
 * the whole text halves a look-up. From 13 on, V8 makes a slice that keeps the received string alive.
 */
const tailLength = 12;

/**
 * Makes a bounded cache. An entry is found by its last 12 characters and taken only if the whole text is the same;
 * two texts with one tail displace each other, so a chosen tail costs its owner a miss and nobody memory. Two
 * generations stand in for a list by age: when the young one is full it becomes the old one, and a hit in the old
 * one moves to the young.
 */
export function createTokenCache<E extends TokenCacheEntry>(options: TokenCacheOptions): TokenCache<E> {
  const { capacity } = options;
  if (!Number.isSafeInteger(capacity) || capacity < 2)
    throw new TypeError("capacity is a whole number from 2 up");
  const generation = Math.floor(capacity / 2);
  let young = new Map<string, E>();
  let old = new Map<string, E>();
  let hits = 0;
  let misses = 0;

  function add(tail: string, entry: E): void {
    if (young.size >= generation && !young.has(tail)) {
      old = young;
      young = new Map();
    }
    old.delete(tail);
    young.set(tail, entry);
  }

  return Object.freeze({
    get(value: string): E | undefined {
      const tail = value.slice(-tailLength);
      const recent = young.get(tail);
      const entry = recent ?? old.get(tail);
      if (entry === undefined || entry.value !== value) {
        misses += 1;
        return undefined;
      }
      if (recent === undefined) add(tail, entry);
      hits += 1;
      return entry;
    },
    set(entry: E): void {
      add(entry.value.slice(-tailLength), entry);
    },
    delete(value: string): void {
      const tail = value.slice(-tailLength);
      if (young.get(tail)?.value === value) young.delete(tail);
      if (old.get(tail)?.value === value) old.delete(tail);
    },
    clear(): void {
      young.clear();
      old.clear();
    },
    get size() {
      return young.size + old.size;
    },
    get hits() {
      return hits;
    },
    get misses() {
      return misses;
    },
  });
}
