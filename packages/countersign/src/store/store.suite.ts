import { describe, it } from "node:test";
import type { Store } from "./contracts.ts";
import { apiKeyCases } from "./suite/api-key-cases.suite.ts";
import { concurrencyCases } from "./suite/concurrency-cases.suite.ts";
import { hostileCases } from "./suite/hostile-cases.suite.ts";
import { revocationCases } from "./suite/revocation-cases.suite.ts";
import { type Cases, TestClock } from "./suite/store-case.suite.ts";
import { userCases } from "./suite/user-cases.suite.ts";

export interface OpenedStore {
  readonly store: Store;
  dispose(): Promise<void>;
}

const suites: Readonly<Record<string, Cases>> = {
  users: userCases,
  "API keys": apiKeyCases,
  "the revocation log": revocationCases,
  concurrency: concurrencyCases,
  "hostile input": hostileCases,
};

/** What every store must do. `open` gives a new empty one that tells the time by the clock it is given. */
export function describeStore(name: string, open: (now: () => number) => Promise<OpenedStore>): void {
  for (const [topic, cases] of Object.entries(suites)) {
    describe(`${name}: ${topic}`, () => {
      for (const [title, run] of Object.entries(cases)) {
        it(title, async () => {
          const clock = new TestClock();
          const { store, dispose } = await open(clock.now);
          try {
            await run(store, clock);
          } finally {
            await dispose();
          }
        });
      }
    });
  }
}
