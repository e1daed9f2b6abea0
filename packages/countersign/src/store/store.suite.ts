import { describe, it } from "node:test";
import type { Store } from "./contracts.ts";
import { apiKeyCases } from "./suite/api-key-cases.suite.ts";
import { attemptCases } from "./suite/attempt-cases.suite.ts";
import { auditCases } from "./suite/audit-cases.suite.ts";
import { auditedCases } from "./suite/audited-changes.suite.ts";
import { concurrencyCases } from "./suite/concurrency-cases.suite.ts";
import { hostileCases } from "./suite/hostile-cases.suite.ts";
import { hostileSessionCases } from "./suite/hostile-session-cases.suite.ts";
import { identityCases } from "./suite/identity-cases.suite.ts";
import { loginCases } from "./suite/login-cases.suite.ts";
import { logoutCases } from "./suite/logout-cases.suite.ts";
import { revocationCases } from "./suite/revocation-cases.suite.ts";
import { roleCases } from "./suite/role-cases.suite.ts";
import { rotationCases } from "./suite/rotation-cases.suite.ts";
import { sessionCases } from "./suite/session-cases.suite.ts";
import { signingKeyCases } from "./suite/signing-key-cases.suite.ts";
import { type Cases, TestClock } from "./suite/store-case.suite.ts";
import { totpCases } from "./suite/totp-cases.suite.ts";
import { userCases } from "./suite/user-cases.suite.ts";

export interface OpenedStore {
  readonly store: Store;
  dispose(): Promise<void>;
}

const suites: Readonly<Record<string, Cases>> = {
  users: userCases,
  "API keys": apiKeyCases,
  roles: roleCases,
  "the revocation log": revocationCases,
  sessions: sessionCases,
  rotation: rotationCases,
  "logging out": logoutCases,
  "guesses at logging in": attemptCases,
  "limits of logging in": loginCases,
  "second factors": totpCases,
  "the audit log": auditCases,
  "audited changes": auditedCases,
  "signing keys": signingKeyCases,
  "linked identities": identityCases,
  concurrency: concurrencyCases,
  "hostile input": hostileCases,
  "hostile input for sessions": hostileSessionCases,
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
