import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { foldedText } from "../matches.ts";
import { decodeNumbers, encodeNumbers } from "./number-column.ts";
import { sections, withSections } from "./sections.ts";
import { encodeTexts, TextColumn } from "./text-column.ts";

describe("numbers of a column", () => {
  const near = (least: number, range: number) =>
    fc.array(fc.integer({ min: least, max: least + range }), { maxLength: 50 });
  const numbers = fc.oneof(
    ...[0, 1, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32].map((range) => near(1_800_000_000_000, range)),
    near(-70_000, 140_000),
    fc.array(fc.double(), { maxLength: 20 }),
  );

  it("come back as they were", () => {
    fc.assert(
      fc.property(numbers, (given) => {
        const values = Float64Array.from(given);
        assert.deepEqual(decodeNumbers(encodeNumbers(values), values.length), values);
      }),
      { numRuns: 500 },
    );
  });

  it("take as many bytes as their range needs", () => {
    const bytes = (...values: readonly number[]) => encodeNumbers(Float64Array.from(values)).length - 16;
    assert.equal(bytes(7, 7, 7), 0);
    assert.equal(bytes(1e12, 1e12 + 255), 2);
    assert.equal(bytes(1e12, 1e12 + 256), 4);
    assert.equal(bytes(0, 65_536), 8);
    assert.equal(bytes(0, 2 ** 32), 16);
    assert.equal(bytes(0, 0.5), 16);
    assert.equal(bytes(), 0);
  });
});

describe("texts of a column", () => {
  /** Many of which are part of others, or of two that follow each other. */
  const text = fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom("a", "A", "b"), maxLength: 4 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 5 }).map((one) => one.toWellFormed()) },
  );
  const texts = fc.array(text, { maxLength: 30 });

  it("come back as they were, one by one and together", () => {
    fc.assert(
      fc.property(texts, (given) => {
        const column = new TextColumn(encodeTexts(given));
        assert.deepEqual(column.all(), given);
        assert.deepEqual(
          given.map((_, n) => column.at(n)),
          given,
        );
      }),
    );
  });

  it("are found, and what contains a text, as if each was looked at by itself", () => {
    fc.assert(
      fc.property(texts, text, fc.nat({ max: 3 }), (given, wanted, from) => {
        const column = new TextColumn(encodeTexts(given));
        assert.equal(column.indexOf(wanted, from), given.indexOf(wanted, from));
        const folded = foldedText(wanted);
        if (folded !== "")
          assert.deepEqual(
            [...column.containing(folded)],
            given.map((one) => (foldedText(one).includes(folded) ? 1 : 0)),
          );
      }),
      { numRuns: 3000 },
    );
  });
});

it("sections can be read where they are, and from anywhere else", () => {
  const parts = [Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(4, 5, 6, 7, 8, 9, 10, 11, 12)];
  const bytes = withSections(parts);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  for (const given of [bytes, shifted.subarray(3)]) {
    const read = sections(given, 3);
    assert.deepEqual(
      read.map((part) => [...part]),
      parts.map((part) => [...part]),
    );
    for (const part of read) assert.equal(part.byteOffset % 8, 0);
  }
});
