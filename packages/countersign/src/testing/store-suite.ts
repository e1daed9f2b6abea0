import type { Store } from "../store/contracts.ts";
import { apiKeyCases } from "../store/suite/api-key-cases.suite.ts";
import { attemptCases } from "../store/suite/attempt-cases.suite.ts";
import { auditCases } from "../store/suite/audit-cases.suite.ts";
import { auditedCases } from "../store/suite/audited-changes.suite.ts";
import { concurrencyCases } from "../store/suite/concurrency-cases.suite.ts";
import { hostileCases } from "../store/suite/hostile-cases.suite.ts";
import { hostileSessionCases } from "../store/suite/hostile-session-cases.suite.ts";
import { identityCases } from "../store/suite/identity-cases.suite.ts";
import { keyChangeCases } from "../store/suite/key-change-cases.suite.ts";
import { keyImportCases } from "../store/suite/key-import-cases.suite.ts";
import { keyOrderCases } from "../store/suite/key-order-cases.suite.ts";
import { keyUsageCases } from "../store/suite/key-usage-cases.suite.ts";
import { limitCases, type WithLimits } from "../store/suite/limit-cases.suite.ts";
import { loginCases } from "../store/suite/login-cases.suite.ts";
import { logoutCases } from "../store/suite/logout-cases.suite.ts";
import { nodeCases } from "../store/suite/node-cases.suite.ts";
import { revocationCases } from "../store/suite/revocation-cases.suite.ts";
import { roleCases } from "../store/suite/role-cases.suite.ts";
import { rotationCases } from "../store/suite/rotation-cases.suite.ts";
import { secretCases } from "../store/suite/secret-cases.suite.ts";
import { sessionCases } from "../store/suite/session-cases.suite.ts";
import { signingKeyCases } from "../store/suite/signing-key-cases.suite.ts";
import type { Cases } from "../store/suite/store-case.suite.ts";
import { tenantCases } from "../store/suite/tenant-cases.suite.ts";
import { totpCases } from "../store/suite/totp-cases.suite.ts";
import { userCases } from "../store/suite/user-cases.suite.ts";
import { FakeClock } from "./fake-clock.ts";

/** A new empty store, and the way to be rid of it. */
export interface OpenedStore<S = Store> {
  readonly store: S;
  dispose(): Promise<void>;
}

/** Opens a new empty store that tells the time by the clock it is given. */
export type OpenStore<S = Store> = (now: () => number) => Promise<OpenedStore<S>>;

/** `describe` and `it` of a test runner: node:test, Vitest, Jest, Mocha. */
export interface TestRunner {
  describe(topic: string, cases: () => void): unknown;
  it(title: string, run: () => Promise<void>): unknown;
}

const suites: Readonly<Record<string, Cases>> = {
  users: userCases,
  "API keys": apiKeyCases,
  "changes of API keys": keyChangeCases,
  "orders of API keys": keyOrderCases,
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
  "audited changes": auditedCases,
  "signing keys": signingKeyCases,
  "linked identities": identityCases,
  nodes: nodeCases,
  secrets: secretCases,
  concurrency: concurrencyCases,
  "hostile input": hostileCases,
  "hostile input for sessions": hostileSessionCases,
};

/** What every store must do: registers its cases with a test runner. */
export function storeSuite(name: string, open: OpenStore, runner: TestRunner): void {
  for (const [topic, cases] of Object.entries(suites))
    describeCases(`${name}: ${topic}`, cases, open, runner);
}

/** What everything must do that counts calls. */
export function limitSuite(name: string, open: OpenStore<WithLimits>, runner: TestRunner): void {
  describeCases<WithLimits>(`${name}: rates and quotas`, limitCases, open, runner);
}

function describeCases<S>(
  topic: string,
  cases: Readonly<Record<string, (store: S, clock: FakeClock) => Promise<void>>>,
  open: OpenStore<S>,
  { describe, it }: TestRunner,
): void {
  describe(topic, () => {
    for (const [title, run] of Object.entries(cases)) {
      it(title, async () => {
        const clock = new FakeClock();
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
