import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { createMac, equalInConstantTime } from "./hmac.ts";

const hashes = ["sha256", "sha384", "sha512"] as const;
const bytes = (length: number) =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 131 + length * 7) & 0xff));

for (const hash of hashes) {
  const expected = (secret: Buffer, input: string) =>
    createHmac(hash, secret).update(input, "utf8").digest("base64url");

  test(`${hash}: the same as createHmac for keys around the block length`, () => {
    for (const length of [1, 20, 32, 63, 64, 65, 127, 128, 129, 200, 1000]) {
      const secret = bytes(length);
      const mac = createMac(hash, secret);
      for (const input of ["", "a", "x".repeat(55), "x".repeat(56), "x".repeat(64), "y".repeat(500)]) {
        assert.equal(mac(input), expected(secret, input), `${length} bytes, ${input.length} characters`);
      }
    }
  });

  test(`${hash}: the same for inputs around the length of the fast path`, () => {
    const secret = bytes(64);
    const mac = createMac(hash, secret);
    for (const length of [8188, 8189, 8191, 8192, 8193, 8200, 70_000]) {
      const input = "z".repeat(length);
      assert.equal(mac(input), expected(secret, input), String(length));
    }
  });

  test(`${hash}: the same for other than ASCII, wherever it stands`, () => {
    const secret = bytes(64);
    const mac = createMac(hash, secret);
    for (const odd of ["\u0080", "\u00ff", "\u0141", "\u20ac", "\u{1f511}", "\ud800"]) {
      for (const length of [0, 1, 100, 8185, 8188, 8189, 8190, 8191]) {
        const filler = "k".repeat(length);
        for (const input of [odd + filler, filler + odd, filler + odd + odd])
          assert.equal(mac(input), expected(secret, input));
      }
    }
  });

  test(`${hash}: nothing of one call is left for the next, nor of one key for another`, () => {
    const [one, other] = [createMac(hash, bytes(32)), createMac(hash, bytes(33))];
    const inputs = ["a".repeat(4000), "b", "", "c".repeat(9000), "\u20ac", "d".repeat(17)];
    for (const first of inputs) {
      for (const second of inputs) {
        one(first);
        assert.equal(other(second), expected(bytes(33), second));
        assert.equal(one(second), expected(bytes(32), second));
      }
    }
  });
}

test("does not depend on the secret's buffer afterwards", () => {
  const secret = bytes(32);
  const mac = createMac("sha256", secret);
  const before = mac("input");
  secret.fill(0);
  assert.equal(mac("input"), before);
});

test("RFC 4231 test case 2", () => {
  const mac = createMac("sha256", Buffer.from("Jefe"));
  const hex = Buffer.from(mac("what do ya want for nothing?"), "base64url").toString("hex");
  assert.equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
});

test("compares every character and the length", () => {
  assert.ok(equalInConstantTime("", ""));
  assert.ok(equalInConstantTime("abc", "abc"));
  for (const other of ["", "ab", "abcd", "Abc", "aBc", "abC", "ab\u0163"])
    assert.ok(!equalInConstantTime("abc", other), other);
});
