import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { LoggedRequestSchema } from "../../countersign/src/gen/auth/v1/logs_pb.ts";
import { together } from "../src/pages/live-calls.ts";

test("a call that came by itself stands there once, also when the list has it by now", () => {
  const call = (requestId: string, at: number) =>
    create(LoggedRequestSchema, { requestId, endedAt: timestampFromDate(new Date(at)) });
  const [newest, known, oldest] = [call("c", 3), call("b", 2), call("a", 1)];
  assert.deepEqual(together([newest, known], [call("b", 2), oldest]), [newest, known, oldest]);
  assert.deepEqual(together([known, oldest], [newest]), [newest, known, oldest]);
  assert.deepEqual(together([oldest], [newest, known]), [newest, known, oldest]);
  assert.equal(together([call("a", 4)], [oldest]).length, 2);
});
