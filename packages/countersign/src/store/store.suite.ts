import { describe, it } from "node:test";
import { limitSuite, type OpenStore, storeSuite } from "../testing/store-suite.ts";
import type { WithLimits } from "./suite/limit-cases.suite.ts";

/** What every store must do. `open` gives a new empty one that tells the time by the clock it is given. */
export function describeStore(name: string, open: OpenStore): void {
  storeSuite(name, open, { describe, it });
}

/** What everything must do that counts calls. */
export function describeLimits(name: string, open: OpenStore<WithLimits>): void {
  limitSuite(name, open, { describe, it });
}
