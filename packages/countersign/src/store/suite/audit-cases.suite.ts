import assert from "node:assert/strict";
import type { AuditEntry } from "../audit-contracts.ts";
import { auditOf, userWithSession, verdictOf } from "./session-case.suite.ts";
import type { Cases } from "./store-case.suite.ts";

const entry: AuditEntry = { actor: "7", action: "config.changed", target: "config", details: { port: "1" } };

export const auditCases: Cases = {
  "numbers rows without gaps": async ({ audit }, clock) => {
    const details = { port: "1" };
    const first = await audit.append({ ...entry, details });
    details.port = "2";
    clock.ms += 5;
    const second = await audit.append(entry);
    const { sequence, at, actor, action, target, related, origin, ...rest } = second;
    assert.deepEqual(
      { sequence, at, actor, action, target, details: rest.details },
      {
        ...entry,
        sequence: 2,
        at: clock.date,
      },
    );
    assert.deepEqual(
      [related, rest.before, rest.after, rest.sealedWith, origin],
      [undefined, undefined, undefined, undefined, {}],
    );
    assert.ok(Object.isFrozen(first) && Object.isFrozen(first.details));
    const firstAt = new Date(first.at);
    first.at.setTime(0);
    assert.deepEqual(await audit.list({ limit: 9 }), [second, { ...first, at: firstAt }]);
    assert.deepEqual(await audit.find(2), second);
    for (const number of [0, 3, 1.5, Number.NaN]) assert.equal(await audit.find(number), undefined);
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
    assert.equal(await found({ after: 4 }), "5,6");
    assert.equal(await found({ after: 0, limit: 2, action: "even" }), "2,4");
    assert.equal(await found({ action: "even" }), "6,4,2");
    assert.equal(await found({ target: "user:3" }), "6,3");
    assert.equal(await found({ action: "odd", target: "user:1", before: 5 }), "1");
    assert.equal(await found({ action: "" }), "");
    assert.equal(await found({ target: "USER:3" }), "");
    await assert.rejects(() => audit.list({ limit: 0 }), RangeError);
  },

  "keeps what was before and what is after, and finds it": async ({ audit }, clock) => {
    await audit.append(entry);
    clock.ms += 1000;
    const change = { before: { name: "a" }, after: { name: "b" } };
    await audit.append({ ...entry, actor: undefined, ...change, target: "key:k", related: "user:7" });
    const [row] = await audit.list({ limit: 1 });
    assert.deepEqual(
      [row?.actor, row?.related, row?.before, row?.after],
      ["system", "user:7", { name: "a" }, { name: "b" }],
    );
    const found = async (query: object) =>
      (await audit.list({ limit: 9, ...query })).map(({ sequence }) => sequence).join();
    assert.equal(await found({ actor: "7" }), "1");
    assert.equal(await found({ target: "user:7" }), "2");
    assert.equal(await found({ since: clock.date }), "2");
    assert.equal(await found({ until: clock.date }), "1");
    assert.equal(await found({ text: '"b"' }), "2");
    assert.equal(await found({ text: "config.ch" }), "2,1");
    assert.equal(await found({ text: "%" }), "");
    assert.equal(await found({ apiKeyId: "k" }), "");
  },

  "is a chain that can be checked": async ({ audit }) => {
    for (let n = 0; n < 3; n += 1) await audit.append({ ...entry, details: { n: String(n) } });
    const [last, second] = await audit.list({ limit: 2 });
    assert.ok(last !== undefined && second !== undefined);
    assert.deepEqual(await verdictOf(audit.verify()), {
      checked: 3,
      head: { sequence: 3, hash: last.hash },
      sealedFrom: undefined,
      broken: undefined,
    });
    assert.equal((await verdictOf(audit.verify(second))).broken, undefined);
    const other = { sequence: 2, hash: last.hash };
    assert.deepEqual((await verdictOf(audit.verify(other))).broken, { sequence: 2, fault: "anchor" });
    const lost = { sequence: 5, hash: last.hash };
    assert.deepEqual((await verdictOf(audit.verify(lost))).broken, { sequence: 4, fault: "cut" });
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
