import { describe, it } from "node:test";
import type { Store } from "./contracts.ts";
import { apiKeyCases } from "./suite/api-key-cases.suite.ts";
import { attemptCases } from "./suite/attempt-cases.suite.ts";
import { auditCases } from "./suite/audit-cases.suite.ts";
import { concurrencyCases } from "./suite/concurrency-cases.suite.ts";
import { hostileCases } from "./suite/hostile-cases.suite.ts";
import { hostileSessionCases } from "./suite/hostile-session-cases.suite.ts";
import { identityCases } from "./suite/identity-cases.suite.ts";
import { keyChangeCases } from "./suite/key-change-cases.suite.ts";
import { keyImportCases } from "./suite/key-import-cases.suite.ts";
import { keyUsageCases } from "./suite/key-usage-cases.suite.ts";
import { limitCases, type WithLimits } from "./suite/limit-cases.suite.ts";
import { loginCases } from "./suite/login-cases.suite.ts";
import { logoutCases } from "./suite/logout-cases.suite.ts";
import { nodeCases } from "./suite/node-cases.suite.ts";
import { revocationCases } from "./suite/revocation-cases.suite.ts";
import { roleCases } from "./suite/role-cases.suite.ts";
import { rotationCases } from "./suite/rotation-cases.suite.ts";
import { secretCases } from "./suite/secret-cases.suite.ts";
import { sessionCases } from "./suite/session-cases.suite.ts";
import { signingKeyCases } from "./suite/signing-key-cases.suite.ts";
import { type Cases, TestClock } from "./suite/store-case.suite.ts";
import { tenantCases } from "./suite/tenant-cases.suite.ts";
import { totpCases } from "./suite/totp-cases.suite.ts";
import { userCases } from "./suite/user-cases.suite.ts";

export interface OpenedStore {
  readonly store: Store;
  dispose(): Promise<void>;
}

const suites: Readonly<Record<string, Cases>> = {
  users: userCases,
  "API keys": apiKeyCases,
  "changes of API keys": keyChangeCases,
  "usage of API keys": keyUsageCases,
  "imported API keys": keyImportCases,
  roles: roleCases,
  tenants: tenantCases,
  "the revocation log": revocationCases,
  sessions: sessionCases,
  rotation: rotationCases,
  "logging out": logoutCases,
  "guesses at logging in": attemptCases,
  "limits of logging in": loginCases,
  "second factors": totpCases,
  "rates and quotas": limitCases,
  "the audit log": auditCases,
  "signing keys": signingKeyCases,
  "linked identities": identityCases,
  secrets: secretCases,
  nodes: nodeCases,
  concurrency: concurrencyCases,
  "hostile input": hostileCases,
  "hostile input for sessions": hostileSessionCases,
};

/** What every store must do. `open` gives a new empty one that tells the time by the clock it is given. */
export function describeStore(name: string, open: (now: () => number) => Promise<OpenedStore>): void {
  for (const [topic, cases] of Object.entries(suites)) describeCases(`${name}: ${topic}`, cases, open);
}

/** What everything must do that counts calls. */
export function describeLimits(
  name: string,
  open: (now: () => number) => Promise<{ readonly store: WithLimits; dispose(): Promise<void> }>,
): void {
  describeCases<WithLimits>(`${name}: rates and quotas`, limitCases, open);
}

function describeCases<S>(
  topic: string,
  cases: Readonly<Record<string, (store: S, clock: TestClock) => Promise<void>>>,
  open: (now: () => number) => Promise<{ readonly store: S; dispose(): Promise<void> }>,
): void {
  describe(topic, () => {
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
