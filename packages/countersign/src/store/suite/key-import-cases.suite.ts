import assert from "node:assert/strict";
import { Conflict } from "../contracts.ts";
import type { NewKeyImport } from "../key-import-contracts.ts";
import { type Cases, conflictOn, newKey } from "./store-case.suite.ts";

const bytes = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function imported(id: string, userId: string, more: Partial<NewKeyImport>): NewKeyImport {
  const { digest: _digest, ...key } = newKey(id, userId);
  return { key, fingerprint: bytes(id.charCodeAt(1)), algorithm: "sha256", ...more };
}

export const keyImportCases: Cases = {
  "are found by their hash or their prefix until their first use": async (store, clock) => {
    const { users, keyImports, apiKeys } = store;
    const { id: userId } = await users.create({ username: "ada" });
    assert.deepEqual(await keyImports.state(), { algorithms: {}, secrets: [] });
    await keyImports.addSecret("s1", bytes(7));
    await keyImports.addSecret("s1", bytes(8));
    const quick = await keyImports.add(imported("k1", userId, { lookup: bytes(101) }));
    assert.deepEqual([quick.id, quick.digest], ["k1", new Uint8Array()]);
    await keyImports.add(imported("k2", userId, { algorithm: "bcrypt", prefix: "live_ab", hash: "$2b$…" }));
    await keyImports.add(
      imported("k3", userId, { algorithm: "hmac-sha256", lookup: bytes(103), secretId: "s1" }),
    );
    assert.deepEqual(await keyImports.state(), {
      algorithms: { bcrypt: 1, "hmac-sha256": 1, sha256: 1 },
      secrets: [{ id: "s1", sealed: bytes(7) }],
    });
    const found = async (lookups: readonly Uint8Array[], prefixes: readonly string[]) => {
      const key = await keyImports.find(lookups, prefixes);
      return key && [key.record.id, key.algorithm, key.secretId, key.hash, key.lookup?.[0]];
    };
    assert.deepEqual(await found([bytes(1), bytes(101)], []), ["k1", "sha256", undefined, undefined, 101]);
    assert.deepEqual(await found([bytes(103)], ["live_ab"]), ["k3", "hmac-sha256", "s1", undefined, 103]);
    assert.deepEqual(await found([bytes(1)], ["live_a", "live_ab"]), [
      "k2",
      "bcrypt",
      undefined,
      "$2b$…",
      undefined,
    ]);
    assert.equal(await found([bytes(1)], ["live"]), undefined);
    assert.equal(await found([], []), undefined);
    clock.ms += 5;
    await keyImports.settle("k2", { digest: bytes(202), pepperId: "p2" });
    assert.equal(await found([], ["live_ab"]), undefined);
    assert.deepEqual(await found([bytes(202)], []), ["k2", "countersign", undefined, undefined, 202]);
    const { digest, pepperId } = (await apiKeys.load("k2")) ?? {};
    assert.deepEqual([digest, pepperId], [bytes(202), "p2"]);
    assert.deepEqual(await keyImports.progress(), { imported: 3, seen: 1 });
    const algorithms = await keyImports.algorithmsOf(["k1", "k2", "nope"]);
    assert.deepEqual([...algorithms].sort(), [
      ["k1", "sha256"],
      ["k2", "countersign"],
    ]);
    const known = await keyImports.known([bytes("2".charCodeAt(0)), bytes(99)]);
    assert.deepEqual([...known], [[Buffer.from(bytes(50)).toString("hex"), "k2"]]);
    assert.equal((await store.revocations.head()) >= 3, true);
  },

  "are refused where one is there already, or could be taken for another": async (store) => {
    const { users, keyImports, apiKeys } = store;
    const { id: userId } = await users.create({ username: "ada" });
    await keyImports.add(imported("k1", userId, { lookup: bytes(1) }));
    await keyImports.add(imported("k2", userId, { algorithm: "bcrypt", prefix: "live_ab", hash: "h" }));
    // What is asked before and what is done say the same.
    const add = (more: Partial<NewKeyImport>) => async () => {
      const one = imported("k9", userId, more);
      const asked = await keyImports.requireNew(one).catch((error: unknown) => error);
      try {
        await keyImports.add(one);
      } catch (error) {
        const isAsked = error instanceof Conflict && ["hash", "prefix"].includes(error.field);
        assert.deepEqual(asked, isAsked ? error : undefined);
        throw error;
      }
    };
    await conflictOn(store, "hash", add({ fingerprint: bytes("1".charCodeAt(0)) }));
    await conflictOn(store, "hash", add({ lookup: bytes(1) }));
    for (const prefix of ["live_ab", "live_abc", "live_", "l"])
      await conflictOn(store, "prefix", add({ algorithm: "bcrypt", prefix, hash: "h" }));
    await conflictOn(
      store,
      "secretId",
      add({ algorithm: "hmac-sha256", lookup: bytes(9), secretId: "none" }),
    );
    await conflictOn(store, "name", add({ key: { ...newKey("k9", userId), name: "name of k1" } }));
    await conflictOn(store, "userId", add({ key: newKey("k9", "99") }));
    assert.equal(await apiKeys.load("k9"), undefined);
    const free = imported("k9", userId, { algorithm: "bcrypt", prefix: "live_b", hash: "h" });
    await keyImports.requireNew(free);
    assert.ok(await keyImports.add(free));
  },
};
