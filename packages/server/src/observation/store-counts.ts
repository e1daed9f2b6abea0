import type { StoreObserver, StoreOperation } from "countersign/store";
import { Durations } from "./number-histogram.ts";

/** Counts what a store does, as plain numbers. */
export class StoreCounts {
  readonly durations: Readonly<Record<StoreOperation["kind"], Durations>> = {
    read: new Durations(),
    write: new Durations(),
  };
  readonly outcomes: Readonly<Record<StoreOperation["kind"], Record<StoreOperation["outcome"], number>>> = {
    read: { ok: 0, refused: 0, unavailable: 0, failed: 0 },
    write: { ok: 0, refused: 0, unavailable: 0, failed: 0 },
  };

  readonly observe: StoreObserver = ({ kind, milliseconds, outcome }) => {
    this.durations[kind].add(milliseconds / 1000);
    this.outcomes[kind][outcome] += 1;
  };
}
