/** One statement that read, or one transaction that wrote, its waiting included. */
export interface StoreOperation {
  readonly kind: "read" | "write";
  readonly milliseconds: number;
  /** `refused`: the data does not permit it (`Conflict`, a mistake of the caller's). */
  readonly outcome: "ok" | "refused" | "unavailable" | "failed";
}

/** Hears of every operation of a store. It must not throw. */
export type StoreObserver = (operation: StoreOperation) => void;

/** What there is to be read of a store, at any moment. */
export interface StoreReadings {
  /** Transactions that are under way or wait for their turn. */
  readonly writing: number;
  /** Is the database taken to be away? Always false for a file. */
  readonly away: boolean;
}
