import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { createSeal } from "./seal.ts";

const seal = createSeal(randomBytes(32));
const plain = Buffer.from("a signing key");

test("what was sealed is opened, and looks different each time", () => {
  const sealed = seal.seal(plain, "totp:7");
  assert.deepEqual(Buffer.from(seal.open(sealed, "totp:7")), plain);
  assert.notDeepEqual(seal.seal(plain, "totp:7"), sealed);
  assert.ok(!Buffer.from(sealed).includes(plain));
});

test("another purpose, another key, or any changed byte is refused", () => {
  const sealed = seal.seal(plain, "totp:7");
  assert.throws(() => seal.open(sealed, "totp:8"));
  assert.throws(() => createSeal(randomBytes(32)).open(sealed, "totp:7"));
  for (let index = 0; index < sealed.length; index++) {
    const changed = Uint8Array.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.throws(() => seal.open(changed, "totp:7"), `byte ${index}`);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => seal.open(sealed.subarray(0, length), "totp:7"), `${length} bytes`);
  }
});

test("a key of another length is a mistake", () => {
  for (const length of [0, 16, 31, 33]) assert.throws(() => createSeal(new Uint8Array(length)), TypeError);
});

test("opens what previous keys sealed, and seals under the first", () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  const both = createSeal(fresh, old);
  const plain = new Uint8Array([1, 2, 3]);
  assert.deepEqual(new Uint8Array(both.open(createSeal(old).seal(plain, "a"), "a")), plain);
  assert.deepEqual(new Uint8Array(createSeal(fresh).open(both.seal(plain, "a"), "a")), plain);
  assert.throws(() => both.open(createSeal(old).seal(plain, "a"), "b"));
  assert.throws(() => createSeal(old).open(both.seal(plain, "a"), "a"));
  assert.throws(() => createSeal(fresh, new Uint8Array(31)), TypeError);
});
