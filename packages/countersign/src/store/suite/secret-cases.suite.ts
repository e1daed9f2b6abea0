import assert from "node:assert/strict";
import type { SealedSecret } from "../secret-contracts.ts";
import { type Cases, newKey } from "./store-case.suite.ts";

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

export const secretCases: Cases = {
  "tells all that is sealed, in portions": async ({ secrets, users, totp, signingKeys }, clock) => {
    assert.deepEqual(await secrets.sealed({ limit: 10 }), []);
    for (let id = 1; id <= 11; id += 1) {
      await users.create({ username: `u${id}` });
      await totp.enroll(String(id), bytes(id));
    }
    const key = { algorithm: "RS256", publicJwk: undefined, activeFrom: clock.date, lifetimeSeconds: 60 };
    await signingKeys.createFirst({ ...key, kid: "b", sealedKey: bytes(0, 255) }, "system");
    await signingKeys.rotate({ ...key, kid: "a", sealedKey: bytes(7) }, "retire", "system");
    const all: SealedSecret[] = [];
    for (let more = true; more; ) {
      const page = await secrets.sealed({ limit: 3, after: all.at(-1) });
      all.push(...page);
      more = page.length === 3;
    }
    assert.deepEqual(
      all.map(({ kind, id }) => `${kind} ${id}`),
      ["signing-key a", "signing-key b", ...Array.from({ length: 11 }, (_, index) => `totp ${index + 1}`)],
    );
    assert.deepEqual(all[1], { kind: "signing-key", id: "b", algorithm: "RS256", sealed: bytes(0, 255) });
    assert.deepEqual(all.at(-1), { kind: "totp", id: "11", algorithm: undefined, sealed: bytes(11) });
    await assert.rejects(() => secrets.sealed({ limit: 0 }), RangeError);
  },

  "seals anew what is as it was, and nothing else": async (
    { secrets, users, totp, signingKeys, audit },
    clock,
  ) => {
    for (const username of ["u1", "u2"]) await users.create({ username });
    await totp.enroll("1", bytes(1));
    await totp.enroll("2", bytes(2));
    const key = { algorithm: "RS256", publicJwk: undefined, activeFrom: clock.date, lifetimeSeconds: 60 };
    await signingKeys.createFirst({ ...key, kid: "k", sealedKey: bytes(3) }, "system");
    const count = await secrets.reseal(
      [
        { kind: "totp", id: "1", from: bytes(1), to: bytes(10) },
        { kind: "totp", id: "2", from: bytes(9), to: bytes(20) },
        { kind: "totp", id: "7", from: bytes(1), to: bytes(20) },
        { kind: "signing-key", id: "k", from: bytes(3), to: bytes(30) },
      ],
      { actor: "system", action: "secrets.resealed", target: "store", details: {} },
    );
    assert.equal(count, 2);
    assert.deepEqual((await totp.load("1"))?.sealedSecret, bytes(10));
    assert.deepEqual((await totp.load("2"))?.sealedSecret, bytes(2));
    assert.deepEqual((await signingKeys.list(clock.date))[0]?.sealedKey, bytes(30));
    assert.equal((await audit.list({ limit: 1 }))[0]?.action, "secrets.resealed");
  },

  "counts the keys that need a pepper": async ({ secrets, users, apiKeys }, clock) => {
    assert.deepEqual([await secrets.pepperIds(), await secrets.pepperUse(clock.date)], [[], []]);
    await users.create({ username: "ada" });
    const soon = new Date(clock.ms + 1000);
    await apiKeys.create(newKey("a", "1", { pepperId: "p1" }));
    await apiKeys.create(newKey("b", "1", { pepperId: "p2", expiresAt: soon }));
    await apiKeys.create(newKey("c", "1", { pepperId: "p2" }));
    await apiKeys.create(newKey("d", "1", { pepperId: "p3" }));
    await apiKeys.revoke("d", { reason: "", by: "1" });
    await apiKeys.setDisabled("a", true);
    assert.deepEqual(await secrets.pepperIds(), ["p1", "p2"]);
    assert.deepEqual(await secrets.pepperUse(clock.date), [
      { id: "p1", keys: 1 },
      { id: "p2", keys: 2 },
    ]);
    assert.deepEqual((await secrets.pepperUse(soon))[1], { id: "p2", keys: 1 });
  },

  "takes the digest of a key under another pepper, if the key is as it was": async (store) => {
    const { secrets, users, apiKeys, revocations } = store;
    await users.create({ username: "ada" });
    await apiKeys.create(newKey("a", "1", { digest: bytes(1) }));
    const head = await revocations.head();
    const from = { digest: bytes(1), pepperId: "p1" };
    const to = { digest: bytes(2), pepperId: "p2" };
    assert.equal(await secrets.redigest([]), 0);
    assert.equal(await secrets.redigest([{ id: "a", from: { ...from, digest: bytes(9) }, to }]), 0);
    assert.equal(
      await secrets.redigest([
        { id: "a", from: to, to },
        { id: "x", from, to },
      ]),
      0,
    );
    assert.equal(
      await secrets.redigest([
        { id: "a", from, to },
        { id: "a", from, to },
      ]),
      1,
    );
    const key = await apiKeys.load("a");
    assert.deepEqual([key?.digest, key?.pepperId], [bytes(2), "p2"]);
    assert.equal(await revocations.head(), head, "the key is as good as before: nobody has to hear of it");
  },

  "keeps marks": async ({ secrets, audit }, clock) => {
    const since = clock.date;
    await secrets.mark("b", bytes(0, 255));
    await secrets.mark("a", bytes(1));
    clock.ms += 1000;
    await secrets.mark("b", bytes(0, 255));
    assert.deepEqual(await secrets.marks(), [
      { name: "a", mark: bytes(1), since },
      { name: "b", mark: bytes(0, 255), since },
    ]);
    await secrets.mark("a", bytes(2));
    assert.deepEqual((await secrets.marks())[0], { name: "a", mark: bytes(2), since: clock.date });
    await secrets.unmark(["a", "z"], {
      actor: "system",
      action: "secrets.unmarked",
      target: "a",
      details: {},
    });
    await secrets.unmark([]);
    assert.deepEqual(
      (await secrets.marks()).map(({ name }) => name),
      ["b"],
    );
    assert.equal((await audit.list({ limit: 1 }))[0]?.action, "secrets.unmarked");
  },
};
