import assert from "node:assert/strict";
import { it } from "node:test";
import type { Call } from "countersign";
import { peerAddress } from "../src/requests/peer-address.ts";

const call = (...forwarded: readonly string[]): Call => ({
  protocol: "http",
  procedure: "/t",
  header: (name) => (name === "x-forwarded-for" ? forwarded : []),
  peer: { address: undefined },
  signal: new AbortController().signal,
});

// CVE-2026-40575, GHSA-5hvv: what a header says counts only from a proxy that is named.
it("believes x-forwarded-for from proxies that are trusted, and only what these have written", () => {
  const none = peerAddress([]);
  const some = peerAddress(["10.0.0.0/8", "2001:db8::/32"]);
  assert.equal(none(call("192.0.2.1"), "10.0.0.1:80"), "10.0.0.1:80");
  assert.equal(some(call("192.0.2.1"), "198.51.100.7:80"), "198.51.100.7:80");
  assert.equal(some(call("192.0.2.1"), "10.0.0.1:80"), "192.0.2.1");
  assert.equal(some(call("203.0.113.9, 192.0.2.1, 10.9.9.9"), "[::ffff:10.0.0.1]:80"), "192.0.2.1");
  assert.equal(some(call("203.0.113.9", "192.0.2.1:4711"), "[2001:db8::1]:80"), "192.0.2.1");
  assert.equal(some(call("192.0.2.1, forged"), "10.0.0.1:80"), "10.0.0.1:80");
  assert.equal(some(call(), "10.0.0.1:80"), "10.0.0.1:80");
  assert.equal(some(call("[2001:4860::8]:1"), "10.0.0.1:80"), "2001:4860::8");
  assert.equal(some(call("192.0.2.1"), undefined), undefined);
});
