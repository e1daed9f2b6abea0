import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { decodeBase64url } from "./base64url.ts";

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
