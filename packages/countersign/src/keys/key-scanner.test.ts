import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { generateApiKey } from "./key-format.ts";
import { createKeyScanner, type FoundKey } from "./key-scanner.ts";

/** All that is found in bytes that come in pieces of these sizes. */
function scan(bytes: Uint8Array, sizes: readonly number[] = [bytes.length], prefix?: string): FoundKey[] {
  const scanner = createKeyScanner(prefix === undefined ? {} : { prefix });
  const found: FoundKey[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    found.push(...scanner.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...found, ...scanner.end()];
}

describe("the key scanner", () => {
  it("finds a key wherever it stands and however the bytes come in", () => {
    const noise = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(
        noise,
        noise,
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
        (before, after, sizes) => {
          const { key, id } = generateApiKey("live");
          const found = scan(Buffer.concat([before, Buffer.from(key), after]), sizes);
          assert.deepEqual(
            found.map((one) => [one.key, one.id, one.environment, one.offset]),
            [[key, id, "live", before.length]],
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("finds each of several, side by side and in UTF-16, and tells the line", () => {
    const [a, b, c] = [generateApiKey("dev"), generateApiKey("live"), generateApiKey("dev")];
    const text = `x=${a.key}${b.key}\r\n\n"${c.key}_"`;
    for (const encoding of ["latin1", "utf16le"] as const) {
      const found = scan(Buffer.from(text, encoding), [7]);
      assert.deepEqual(
        found.map(({ id, line }) => `${id} ${line}`),
        [`${a.id} 1`, `${b.id} 1`, `${c.id} 3`],
      );
    }
  });

  it("passes over what only looks like a key, and keys of another prefix", () => {
    const { key } = generateApiKey("live");
    const flipped = key.slice(0, -1) + (key.endsWith("a") ? "b" : "a");
    for (const text of [
      flipped,
      key.slice(0, -1),
      `cs_${key.slice(8)}`,
      "cs_",
      "cs_live_",
      key.toUpperCase(),
    ])
      assert.deepEqual(scan(Buffer.from(text)), [], text);
    const acme = generateApiKey("live", { prefix: "acme" });
    assert.deepEqual(scan(Buffer.from(acme.key)), []);
    assert.equal(scan(Buffer.from(acme.key), [9], "acme")[0]?.id, acme.id);
  });

  it("has no false hit in 2 MB of random text that is made of what keys are made of", () => {
    const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_\n";
    const text = Buffer.from(Array.from(randomBytes(2 << 20), (byte) => alphabet.charCodeAt(byte & 63)));
    // The shape, with every part but the checksum right: what chance alone would hardly ever make.
    for (let at = 0; at + 200 < text.length; at += 4096) text.write("cs_live_", at, "latin1");
    for (let at = 0; at + 200 < text.length; at += 4096) {
      for (let place = at + 8; place < at + 80; place++)
        if (text[place] === 95 || text[place] === 10) text[place] = 65;
      text[at + 25] = 95;
    }
    assert.deepEqual(scan(text, [1 << 16]), []);
  });
});
