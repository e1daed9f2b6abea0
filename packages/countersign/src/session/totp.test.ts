import assert from "node:assert/strict";
import test from "node:test";
import { matchTotp, toBase32, totpCode, totpStep } from "./totp.ts";

const secret = Buffer.from("12345678901234567890");

test("RFC 6238 appendix B, SHA-1, the last six of its eight digits", () => {
  const vectors: readonly (readonly [seconds: number, code: string])[] = [
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ];
  for (const [seconds, code] of vectors) assert.equal(totpCode(secret, totpStep(seconds * 1000)), code);
});

test("RFC 4226 appendix D", () => {
  const codes = [
    "755224",
    "287082",
    "359152",
    "969429",
    "338314",
    "254676",
    "287922",
    "162583",
    "399871",
    "520489",
  ];
  codes.forEach((code, counter) => {
    assert.equal(totpCode(secret, counter), code);
  });
});

test("a code is good in its step and in one on each side, and nowhere else", () => {
  const at = 1_700_000_000_000;
  const step = totpStep(at);
  for (const offset of [-1, 0, 1])
    assert.equal(matchTotp(secret, totpCode(secret, step + offset), at), step + offset);
  for (const offset of [-3, -2, 2, 3])
    assert.equal(matchTotp(secret, totpCode(secret, step + offset), at), undefined);
});

test("what is no code is no match", () => {
  const at = 59_000;
  for (const code of ["", "28708", "2870822", " 287082", "287082\n", "28708a", "２８７０８２", "-87082"]) {
    assert.equal(matchTotp(secret, code, at), undefined, code);
  }
});

test("RFC 4648 section 10, without padding", () => {
  const vectors: readonly (readonly [string, string])[] = [
    ["", ""],
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW6"],
    ["foob", "MZXW6YQ"],
    ["fooba", "MZXW6YTB"],
    ["foobar", "MZXW6YTBOI"],
  ];
  for (const [plain, text] of vectors) assert.equal(toBase32(Buffer.from(plain)), text);
});
