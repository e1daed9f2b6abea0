import type { CacheReadings } from "../core/cache-readings.ts";

/** A bounded map of what was found good. */
export interface CredentialCache<V> extends CacheReadings {
  get(key: string): V | undefined;
  /** Is it there? This is no use of it. */
  has(key: string): boolean;
  set(key: string, value: V): void;
}

/**
 * Two generations of a map. Entries are written to the young one; when that is full, it becomes the old one, and what
 * is still in use moves over at its next hit. A hit in the young one is a single look-up: no list to maintain, and
 * never more than `capacity` entries.
 */
export function createCredentialCache<V>({ capacity }: { readonly capacity: number }): CredentialCache<V> {
  if (!Number.isSafeInteger(capacity) || capacity < 2)
    throw new TypeError("a cache's capacity is an integer of 2 or more");
  return new GenerationCache<V>(capacity);
}

class GenerationCache<V> implements CredentialCache<V> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  hits = 0;
  misses = 0;

  constructor(capacity: number) {
    this.#half = Math.floor(capacity / 2);
  }

  get(key: string): V | undefined {
    const value = this.#young.get(key) ?? this.#promote(key);
    if (value === undefined) this.misses += 1;
    else this.hits += 1;
    return value;
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Entries of both generations; one that was promoted counts twice until the old generation goes. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #promote(key: string): V | undefined {
    const value = this.#old.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
}
