import type { AuthOptions } from "../core/auth.ts";
import type { Decision } from "../core/decision.ts";
import { atOnce, fakeCall } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { account, authOf, FakeTable, pepper, storedKey } from "./accounts.suite.ts";
import { type ApiKeyOptions, apiKey } from "./api-key.ts";

export const noon = Date.UTC(2026, 0, 1, 12);

/** One stored key, its owner and a clock, behind an `Auth`. */
export function setup(
  given: Partial<ApiKeyRecord> = {},
  options: Partial<ApiKeyOptions<Principal>> = {},
  auth: Partial<AuthOptions<Principal>> = {},
) {
  const { key, record } = storedKey(given);
  const keys = new FakeTable<ApiKeyRecord>(record);
  const users = new FakeTable(account());
  const revocations = createRevocations();
  const clock = { now: noon };
  const authenticator = apiKey({ keys, users, peppers: [pepper], ...options });
  const { decide } = authOf([authenticator], { revocations, now: () => clock.now, ...auth });
  const header = options.header ?? "x-api-key";
  const check = (value = key) => decide(fakeCall("GET /", { [header]: value }));
  return {
    key,
    record,
    keys,
    users,
    revocations,
    clock,
    check,
    now: (value = key): Decision<Principal> => atOnce(check(value)),
  };
}
