import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csvLine } from "./csv.ts";

test("writes what RFC 4180 says", () => {
  assert.equal(csvLine(["a", "b c", ""]), "a,b c,\r\n");
  assert.equal(csvLine(['say "a"', "a,b", "a\nb"]), '"say ""a""","a,b","a\nb"\r\n');
});

test("CWE-1236: no cell is a formula", () => {
  for (const formula of [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    '=HYPERLINK("x","y")',
  ])
    assert.match(csvLine([formula]), /^"?'/);
  assert.equal(csvLine(["a=1", "2026-03-01", "127.0.0.1:1"]), "a=1,2026-03-01,127.0.0.1:1\r\n");
});

test("is read back as it was, but for the apostrophe", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1 }), (cells) => {
      const line = csvLine(cells);
      assert.ok(line.endsWith("\r\n"));
      assert.deepEqual(
        parse(line.slice(0, -2)),
        cells.map((cell) => (/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(cell) ? `'${cell}` : cell)),
      );
    }),
  );
});

/** One record, by the grammar of RFC 4180 section 2. */
function parse(line: string): readonly string[] {
  const cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
  for (;;) {
    const match = cell.exec(line);
    assert.ok(match, line);
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return cells;
  }
}
