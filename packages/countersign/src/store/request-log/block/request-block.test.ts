import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { RequestFilter, RequestRecord } from "../../request-contracts.ts";
import { matches } from "../matches.ts";
import { normalRecord } from "../normal-record.ts";
import { PackedRequests } from "../packed-requests.ts";
import { type RollupRow, rollUp } from "../rollup.ts";
import { BlockBuilder } from "./block-builder.ts";
import { BlockCounts } from "./block-counts.ts";
import { matchingRows, mayMatch } from "./block-search.ts";
import { addedBins, binCount, eachBin, packBins } from "./packed-bins.ts";
import { PackedRows } from "./packed-rows.ts";
import { RequestBlock } from "./request-block.ts";

const start = Date.UTC(2027, 0, 15, 12);
const value = <T>(...values: readonly T[]) => fc.constantFrom<T>(...values);
const hostile = fc.string({ unit: "binary", maxLength: 300 });

const anyRecord: fc.Arbitrary<RequestRecord> = fc.record(
  {
    requestId: fc.oneof(fc.uuid(), value("", "AB", "ab"), hostile),
    at: fc.integer({ min: start, max: start + 3 * 3_600_000 }),
    durationMs: fc.double({ min: -1, max: 20_000 }),
    procedure: value("/a.A/One", "/a.A/Two", "/b.B/Three_%"),
    protocol: value("grpc", "connect"),
    code: value(0, 0, 5, 16, -1, 1.5, Number.NaN),
    reason: value(undefined, "TOKEN_EXPIRED", "PERMISSION_DENIED"),
    userId: value(undefined, "1", "2", ""),
    apiKeyId: value(undefined, "k1", "1"),
    authenticator: value(undefined, "jwt"),
    peer: fc.oneof(value(undefined, "192.0.2.1:1"), hostile),
    userAgent: fc.oneof(value(undefined, "Curl/8", "É"), hostile),
    received: fc.oneof(fc.nat(), fc.double()),
    sent: fc.nat(),
    rule: value(undefined, "authenticated"),
    missing: value(undefined, "isStaff"),
    tenantId: value(undefined, undefined, "a", "a-b"),
  },
  { noNullPrototype: true },
);
const records = fc.array(anyRecord, { minLength: 1, maxLength: 40 });

const anyFilter: fc.Arbitrary<RequestFilter> = fc.record(
  {
    userId: value("1", "k1", ""),
    apiKeyId: value("k1", "1"),
    status: value<"success" | "error">("success", "error"),
    codes: value<readonly number[]>([], [16], [5, 16], [0], [9]),
    reason: value("TOKEN_EXPIRED"),
    procedure: value("/a.A/One", "/none/None"),
    protocol: value("grpc"),
    authenticator: value("jwt"),
    requestId: value("ab", ""),
    tenantId: value("a"),
    text: value("", "CURL", "three_%", "é", "192.0.2", "b"),
    since: value(start + 3_600_000),
    until: value(start + 7_200_000),
  },
  { requiredKeys: [] },
);

function packed(rows: readonly RequestRecord[], firstId = 1): PackedRows {
  return new PackedRows(PackedRequests.of(rows).message(), (row) => firstId + row);
}

function built(rows: readonly RequestRecord[], firstId = 1): BlockBuilder {
  const builder = new BlockBuilder(rows.length);
  builder.take(packed(rows, firstId), 0, rows.length);
  return builder;
}

const blockOf = (rows: readonly RequestRecord[], firstId = 1) =>
  new RequestBlock(built(rows, firstId).encoded().data);

describe("a block of rows", () => {
  it("gives back what every store gives back", () => {
    fc.assert(
      fc.property(records, (rows) => {
        const block = blockOf(rows, 5);
        assert.deepEqual(
          rows.map((_, row) => block.record(row)),
          rows.map((row, n) => ({ ...normalRecord(row), id: 5 + n })),
        );
      }),
    );
  });

  it("knows its ids and times", () => {
    fc.assert(
      fc.property(records, (rows) => {
        const { data, ...rest } = built(rows, 5).encoded();
        const at = rows.map((row) => row.at);
        assert.deepEqual(rest, {
          ...{ rows: rows.length, firstId: 5, lastId: 4 + rows.length },
          ...{ earliest: Math.min(...at), latest: Math.max(...at) },
        });
        assert.equal(new RequestBlock(data).length, rows.length);
      }),
    );
  });

  it("is put together with others, from any rows of them", () => {
    fc.assert(
      fc.property(records, records, fc.nat({ max: 40 }), (one, other, left) => {
        const kept = Math.min(left, other.length);
        const both = new BlockBuilder(one.length + other.length);
        both.take(blockOf(one), 0, one.length);
        both.take(blockOf(other, 1000), 0, kept);
        const block = new RequestBlock(both.encoded().data);
        const expected = [
          ...one.map((row, n) => ({ ...normalRecord(row), id: 1 + n })),
          ...other.slice(0, kept).map((row, n) => ({ ...normalRecord(row), id: 1000 + n })),
        ];
        assert.deepEqual(
          expected.map((_, row) => block.record(row)),
          expected,
        );
      }),
    );
  });

  it("finds what a filter lets through, and is not passed over where it has that", () => {
    fc.assert(
      fc.property(records, anyFilter, (rows, filter) => {
        const expected = [...rows.keys()].filter((n) =>
          matches(normalRecord(rows[n] as RequestRecord), filter),
        );
        assert.deepEqual([...matchingRows(blockOf(rows), filter)], expected.reverse());
        if (expected.length > 0) assert.ok(mayMatch(built(rows).filter(), filter));
      }),
      { numRuns: 1500 },
    );
  });

  it("is passed over where it has not what is sought", () => {
    const filter = built([
      { ...fc.sample(anyRecord, 1)[0], code: 5, userId: "1", requestId: "x" } as RequestRecord,
    ]);
    const values = filter.filter();
    for (const sought of [
      { userId: "2" },
      { apiKeyId: "x" },
      { requestId: "1" },
      { status: "success" },
      { codes: [7, 9] },
    ])
      assert.equal(mayMatch(values, sought as RequestFilter), false, JSON.stringify(sought));
  });
});

describe("the counts of blocks", () => {
  /** Cells as other stores keep them, each a line of its own. */
  const lines = (cells: readonly Omit<RollupRow, "errors">[]): readonly string[] =>
    cells
      .map(({ step, dimension, start: at, value: of, bin, calls }) =>
        [step, dimension, at, of, bin, calls].join(" "),
      )
      .sort();

  it("are those of the rows, whichever of them a block still has to count", () => {
    fc.assert(
      fc.property(records, records, fc.nat({ max: 40 }), (one, other, after) => {
        const counts = new BlockCounts();
        counts.add(blockOf(one), 0);
        counts.add(blockOf(other), after);
        counts.addDropped({ count: 3, at: start });
        const rows = [...one, ...other.slice(after)].map(normalRecord);
        const expected = rollUp(rows, { count: 3, at: start });
        const counted = counts.counted();
        const cells = counted.flatMap(({ bins, ...of }) => {
          const found: { bin: number; calls: number }[] = [];
          eachBin(bins, (bin, calls) => found.push({ bin, calls }));
          assert.equal(
            of.calls,
            found.reduce((sum, { calls }) => sum + calls, 0),
          );
          return found.map((cell) => ({ ...of, ...cell }));
        });
        assert.deepEqual(lines(cells), lines(expected));
        const errors = (
          all: readonly { readonly step: number; readonly dimension: number; readonly errors: number }[],
        ) =>
          Object.entries(Object.groupBy(all, ({ step, dimension }) => `${step} ${dimension}`))
            .map(([of, each]) => [of, each?.reduce((sum, row) => sum + row.errors, 0)])
            .sort();
        assert.deepEqual(errors(counted), errors(expected));
        assert.equal(counts.rows, rows.length);
      }),
      { numRuns: 300 },
    );
  });

  it("are packed into few bytes, and added without unpacking them", () => {
    const histogram = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat({ max: 2 ** 45 })), {
      ...{ minLength: binCount, maxLength: binCount },
    });
    fc.assert(
      fc.property(histogram, histogram, (one, other) => {
        const [a, b] = [packBins(Float64Array.from(one)), packBins(Float64Array.from(other))];
        const sum = one.map((calls, bin) => calls + (other[bin] ?? 0));
        const read = new Array<number>(binCount).fill(0);
        eachBin(addedBins(a.bins, b.bins), (bin, calls) => (read[bin] = calls));
        assert.deepEqual(read, sum);
        assert.equal(
          a.calls + b.calls,
          sum.reduce((all, calls) => all + calls, 0),
        );
      }),
    );
    const one = new Uint32Array(binCount);
    one[40] = 1;
    assert.equal(packBins(one).bins.length, 2);
  });
});
