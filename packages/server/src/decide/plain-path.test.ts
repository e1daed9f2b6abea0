import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isPlainPath } from "./plain-path.ts";

// CVE-2026-33186, GHSA-p224, CVE-2025-71399: what two servers read in two ways.
const odd = [
  ...["", "x", "*", "http://evil/a", "//", "//a", "/a//b", "/a/./b", "/a/../b", "/..", "/.", "/a/.."],
  ...[
    "/a/%2e%2e/b",
    "/a/%2E/b",
    "/%2e",
    "/a%2fb",
    "/a%2Fb",
    "/a%5cb",
    "/a\\b",
    "/a;b=c",
    "/a/..;/b",
    "/a%3bb",
  ],
  ...[
    "/a%00",
    "/a\u0000",
    "/a%0ab",
    "/a\nb",
    "/a%7f",
    "/a%",
    "/a%2",
    "/a%zz",
    "/a%252e",
    "/a%23b",
    "/a#b",
    "/a%3fb",
  ],
  ...["/%c0%ae%c0%ae/a", "/a%bb", "/a b", "/a\tb", "/ä", "/a\u2215b", `/${"a".repeat(4096)}`],
];
const plain = [
  "/",
  "/a",
  "/a/",
  "/a/b.c",
  "/a/...",
  "/a/b%20c",
  "/%c3%a4",
  "/a:b@c,d=e+f!$&'()*~_-",
  "/acme.Orders/Get",
];

describe("a path that every server reads as it is written", () => {
  for (const path of odd)
    it(`is not ${JSON.stringify(path).slice(0, 40)}`, () => equal(isPlainPath(path), false));
  for (const path of plain) it(`is ${path}`, () => equal(isPlainPath(path), true));

  it("is the same after a browser, and after decoding, has read it", () => {
    const part = fc.constantFrom(
      "/",
      ".",
      "..",
      "%2e",
      "%2f",
      "%5c",
      "\\",
      ";",
      "a",
      "b",
      "%41",
      "%",
      "//",
      "\u0000",
      "#",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const path = `/${parts.join("")}`;
        if (!isPlainPath(path)) return;
        equal(new URL(`http://x${path}`).pathname, path);
        const decoded = decodeURIComponent(path);
        equal(decoded.split("/").length, path.split("/").length);
        equal(new URL(`http://x${encodeURI(decoded)}`).pathname.split("/").length, path.split("/").length);
      }),
      { numRuns: 2000 },
    );
  });
});
