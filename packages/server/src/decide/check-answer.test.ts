import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { CheckResponseSchema } from "../gen/envoy/service/auth/v3/external_auth_pb.ts";
import type { StatusCode } from "../gen/envoy/type/v3/http_status_pb.ts";
import { type CheckAnswer, checkAnswerBytes } from "./check-answer.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }).filter((value) => value.isWellFormed()),
  fc.integer({ min: 0, max: 5000 }).map((length) => "ä".repeat(length)),
);
const headers = fc.array(
  fc.record({
    header: fc.record({ key: text, value: text }),
    append: fc.constant(false as const),
  }),
  { maxLength: 4 },
);
const code = fc.oneof(fc.nat({ max: 600 }), fc.nat());
const answers: fc.Arbitrary<CheckAnswer> = fc.record({
  status: fc.oneof(fc.record({ code }), fc.record({ code, message: text })),
  httpResponse: fc.oneof(
    fc.record({
      case: fc.constant("okResponse" as const),
      value: fc.record({
        headers,
        headersToRemove: fc.array(text, { maxLength: 5 }),
        responseHeadersToAdd: headers,
      }),
    }),
    fc.record({
      case: fc.constant("deniedResponse" as const),
      value: fc.record({
        status: fc.record({ code: code as fc.Arbitrary<StatusCode> }),
        headers,
        body: text,
      }),
    }),
  ),
  dynamicMetadata: fc.dictionary(fc.stringMatching(/^[a-z_]{1,20}$/), text, { maxKeys: 6 }),
});

test("an answer has the bytes that Protobuf-ES gives it", () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const expected = toBinary(CheckResponseSchema, create(CheckResponseSchema, answer as never));
      assert.deepEqual([...checkAnswerBytes(answer)], [...expected]);
      assert.deepEqual(
        fromBinary(CheckResponseSchema, checkAnswerBytes(answer)),
        fromBinary(CheckResponseSchema, expected),
      );
    }),
    { numRuns: 500 },
  );
});
