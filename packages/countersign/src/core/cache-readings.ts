/** What there is to be read of a cache, at any moment. */
export interface CacheReadings {
  /** Entries that are kept. */
  readonly size: number;
  /** Look-ups that found one, and those that did not, since the start. */
  readonly hits: number;
  readonly misses: number;
}

/** The cache of an authenticator. */
export interface NamedCache {
  readonly authenticator: string;
  readonly readings: CacheReadings;
}
