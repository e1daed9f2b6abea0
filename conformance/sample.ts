import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";

/** A file of `deploy/`, at the addresses of a test: each text that is named must be in it. */
export function sampleAt(name: string, addresses: Readonly<Record<string, string>>): string {
  const sample = readFileSync(new URL(`../deploy/${name}`, import.meta.url), "utf8");
  return Object.entries(addresses).reduce((text, [from, to]) => {
    ok(text.includes(from), `the sample has ${from}`);
    return text.replaceAll(from, to);
  }, sample);
}
