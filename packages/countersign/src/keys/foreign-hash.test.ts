import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { foreignDigest, foreignHmac, isForeignKey, readForeignHash } from "./foreign-hash.ts";
import { createMissBudget } from "./miss-budget.ts";

describe("hashes of others", () => {
  const sha256 = createHash("sha256").update("key");
  const digest = sha256.digest();

  it("are read in every usual spelling, and told apart by themselves where that can be", () => {
    for (const text of [
      digest.toString("hex"),
      digest.toString("hex").toUpperCase(),
      digest.toString("base64"),
      digest.toString("base64url"),
    ]) {
      const read = readForeignHash("", text);
      assert.ok(read?.kind === "quick" && read.algorithm === "sha256", text);
      assert.deepEqual(Buffer.from(read.digest), digest);
      assert.equal(readForeignHash("hmac-sha256", text)?.algorithm, "hmac-sha256");
      assert.equal(readForeignHash("sha512", text), undefined);
    }
    const long = createHash("sha512").update("key").digest("base64");
    assert.equal(readForeignHash("", long)?.algorithm, "sha512");
    assert.equal(readForeignHash("", `$2b$10$${"a".repeat(53)}`)?.kind, "slow");
    const argon2 = `$argon2id$v=19$m=19456,t=2,p=1$${"a".repeat(22)}$${"b".repeat(43)}`;
    assert.equal(readForeignHash("", argon2)?.algorithm, "argon2");
    assert.deepEqual(Buffer.from(foreignDigest("sha256", "key")), digest);
    assert.equal(foreignHmac(Buffer.from("k"), "key").length, 32);
  });

  it("are refused where checking one would cost too much, or it is none", () => {
    const argon2 = (cost: string) => `$argon2id$v=19$${cost}$${"a".repeat(22)}$${"b".repeat(43)}`;
    for (const text of [
      "",
      "abc",
      "zz".repeat(32),
      `$2b$31$${"a".repeat(53)}`,
      `$2b$03$${"a".repeat(53)}`,
      "$2b$10$short",
      argon2("m=9999999,t=2,p=1"),
      argon2("m=1024,t=99,p=1"),
      argon2("m=1024,t=2,p=99"),
      "$argon2id$x",
    ])
      assert.equal(readForeignHash("", text), undefined, text);
    assert.equal(readForeignHash("md5", "a".repeat(32)), undefined);
  });

  it("are of keys that a header can carry", () => {
    for (const text of ["sk_live_51H!xyz", "a.b-c~d/e+f==", "x".repeat(512)]) assert.ok(isForeignKey(text));
    for (const text of [
      "",
      "short",
      "with space",
      "comma,comma",
      "é".repeat(9),
      "x".repeat(513),
      "tab\ttab1",
    ])
      assert.ok(!isForeignKey(text), text);
  });
});

describe("a budget of misses", () => {
  it("has so many in a minute for each name, and says when there is room again", () => {
    let now = 0;
    const budget = createMissBudget(2, () => now);
    assert.deepEqual([budget.take("a"), budget.take("a"), budget.take("a"), budget.take("b")], [0, 0, 60, 0]);
    now = 30_500;
    assert.equal(budget.take("a"), 30);
    budget.giveBack("a");
    assert.deepEqual([budget.take("a"), budget.take("a")], [0, 30]);
    now = 60_000;
    assert.equal(budget.take("a"), 0);
    for (let name = 0; name < 20_000; name++) budget.take(String(name));
    assert.equal(budget.take("a"), 0, "forgotten, and not refused for ever");
  });
});
