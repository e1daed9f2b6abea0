import assert from "node:assert/strict";
import type { AuditEntry } from "../session-contracts.ts";
import { auditOf, userWithSession } from "./session-case.suite.ts";
import type { Cases } from "./store-case.suite.ts";

const entry: AuditEntry = { actor: "7", action: "config.changed", target: "config", details: { port: "1" } };

export const auditCases: Cases = {
  "numbers rows without gaps": async ({ audit }, clock) => {
    const details = { port: "1" };
    const first = await audit.append({ ...entry, details });
    details.port = "2";
    clock.ms += 5;
    const second = await audit.append(entry);
    assert.deepEqual({ ...second }, { ...entry, sequence: 2, at: clock.date });
    assert.ok(Object.isFrozen(first) && Object.isFrozen(first.details));
    first.at.setTime(0);
    assert.deepEqual(await audit.list({ limit: 9 }), [
      second,
      { ...entry, sequence: 1, at: new Date(clock.ms - 5) },
    ]);
    const many = await Promise.all(Array.from({ length: 100 }, () => audit.append(entry)));
    assert.deepEqual(
      many.map(({ sequence }) => sequence).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, index) => index + 3),
    );
  },

  "lists newest first, page by page, by action and target": async ({ audit }) => {
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const action = n % 2 === 0 ? "even" : "odd";
      await audit.append({ ...entry, action, target: n % 3 === 0 ? "user:3" : "user:1" });
    }
    const found = async (query: object) =>
      (await audit.list({ limit: 9, ...query })).map(({ sequence }) => sequence).join();
    assert.equal(await found({}), "6,5,4,3,2,1");
    assert.equal(await found({ limit: 2 }), "6,5");
    assert.equal(await found({ limit: 2, before: 5 }), "4,3");
    assert.equal(await found({ before: 1 }), "");
    assert.equal(await found({ action: "even" }), "6,4,2");
    assert.equal(await found({ target: "user:3" }), "6,3");
    assert.equal(await found({ action: "odd", target: "user:1", before: 5 }), "1");
    assert.equal(await found({ action: "" }), "");
    assert.equal(await found({ target: "USER:3" }), "");
    await assert.rejects(() => audit.list({ limit: 0 }), RangeError);
  },

  "has a row for a change as soon as the change is seen": async (store, clock) => {
    await userWithSession(store, clock);
    const check = async () => {
      const revoked = (await store.sessions.load("s1"))?.revokedAt !== undefined;
      // Read after the session: what was seen there must be in the log by now.
      assert.equal((await auditOf(store)).length >= (revoked ? 1 : 0), true);
    };
    await Promise.all([
      ...Array.from({ length: 20 }, check),
      store.sessions.revoke("s1", { reason: "", by: "system" }),
      ...Array.from({ length: 20 }, check),
    ]);
    assert.equal((await auditOf(store)).length, 1);
  },
};
