import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { decodeBase64url, decodeBase64urlInto } from "./base64url.ts";

test("decodes every length", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 37 + length) & 0xff));
    assert.deepEqual(decodeBase64url(bytes.toString("base64url")), bytes);
  }
});

test("takes one spelling only", () => {
  const refused = [
    ["padding", "YQ=="],
    ["half the padding", "YWI="],
    ["a length that no bytes have", "YWJjZ"],
    ["unused bits, two characters", "YR"],
    ["unused bits, three characters", "YWJ"],
    ["the alphabet of base64", "-_+/"],
    ["a space before", " YWJj"],
    ["a space inside", "YW Jj"],
    ["a line break after", "YWJj\n"],
    ["a tab", "YW\tJj"],
    ["NUL", "YWJj\0"],
    ["a character of none", "YW?j"],
    ["a letter that is A in its low byte", "YWJ\u0141"],
    ["a full-width letter", "\uff39WJj"],
  ] as const;
  for (const [what, text] of refused) assert.equal(decodeBase64url(text), undefined, what);
});

test("decodes into bytes that are there, or says that it cannot", () => {
  const target = Buffer.alloc(6);
  assert.equal(decodeBase64urlInto(target, "YWJjZGVm"), 6);
  assert.equal(target.toString(), "abcdef");
  assert.equal(decodeBase64urlInto(target, "eHl6"), 3);
  assert.equal(target.toString(), "xyzdef");
  assert.equal(decodeBase64urlInto(target, ""), 0);
  for (const text of ["YWJjZGVmZw", "YQ==", "YWJ", "YW+j", "YW/j", "YWJjYWJjYWJ\u0141", "YW j"])
    assert.equal(decodeBase64urlInto(target, text), -1, text);
});

test("agrees with an alphabet and an encoder about every character, at every place", () => {
  const alphabet = /^[A-Za-z0-9_-]*$/;
  for (let unit = 0; unit <= 0xffff; unit += unit < 0x400 ? 1 : 61) {
    for (const text of [
      `${String.fromCharCode(unit)}bcd`,
      `ab${String.fromCharCode(unit)}d`,
      `abc${String.fromCharCode(unit)}`,
      `abcde${String.fromCharCode(unit)}`,
    ]) {
      const canonical = alphabet.test(text) && Buffer.from(text, "base64url").toString("base64url") === text;
      assert.equal(decodeBase64url(text) !== undefined, canonical, JSON.stringify(text));
      assert.equal(decodeBase64urlInto(Buffer.alloc(8), text) !== -1, canonical, JSON.stringify(text));
    }
  }
});
