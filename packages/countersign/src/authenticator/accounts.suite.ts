import { type Auth, type AuthOptions, createAuth } from "../core/auth.ts";
import type { Authenticator } from "../core/authenticator.ts";
import type { MaybePromise } from "../core/decision.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createKeyDigests } from "../keys/key-digest.ts";
import { generateApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { plainKey } from "../store/suite/store-case.suite.ts";

export const pepper = { id: "p1", secret: new Uint8Array(32).fill(7) };

export { fakeAccount as account } from "../testing/fake-call.ts";

/** A table in memory that counts who asks, and that a test can break, or answer for by itself. */
export class FakeTable<R extends { readonly id: string }> {
  loads = 0;
  readonly rows = new Map<string, R>();
  /** Stands in for the look-up where a test wants to choose the moment or the failure. */
  answer: ((id: string) => MaybePromise<R | undefined>) | undefined;

  constructor(...rows: readonly R[]) {
    for (const row of rows) this.rows.set(row.id, row);
  }

  load(id: string): MaybePromise<R | undefined> {
    this.loads++;
    return this.answer === undefined ? this.rows.get(id) : this.answer(id);
  }

  change(id: string, patch: Partial<R>): void {
    const row = this.rows.get(id);
    if (row !== undefined) this.rows.set(id, { ...row, ...patch });
  }
}

/** A key and the record that a store has of it. */
export function storedKey(given: Partial<ApiKeyRecord> = {}): {
  readonly key: string;
  readonly record: ApiKeyRecord;
} {
  const { key, id, body } = generateApiKey("live");
  const record: ApiKeyRecord = {
    id,
    name: "analytics",
    description: "",
    type: "service",
    userId: "1",
    ...createKeyDigests([pepper]).digest(body),
    scopes: [],
    roles: [],
    createdAt: new Date(0),
    expiresAt: undefined,
    disabledAt: undefined,
    revokedAt: undefined,
    revokedReason: undefined,
    revokedBy: undefined,
    lastUsedAt: undefined,
    tenantId: undefined,
    totalRequests: 0,
    madeBy: undefined,
    ...plainKey,
    ...given,
  };
  return { key, record };
}

/** An `Auth` with the one rule that a caller is needed, for "GET /". */
export function authOf(
  authenticators: readonly [Authenticator<Principal>, ...Authenticator<Principal>[]],
  options: Partial<AuthOptions<Principal>> = {},
): Auth<Principal> {
  const policy = [policyFor<Principal>().routes({ "GET /": "authenticated" })];
  return createAuth<Principal>({ authenticators, policy, ...options });
}

/** A promise that a test settles. */
export function gate(): { readonly opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
