import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeCall } from "./fake-call.ts";
import { MockContext } from "./mock-context.ts";

describe("the headers of a call that a test makes", () => {
  it("are found however their names are written, as at every door", () => {
    const call = fakeCall("GET /a", { Authorization: "Bearer x", "X-Many": ["1", "2"], "x-many": "3" });
    assert.deepEqual(call.header("authorization"), ["Bearer x"]);
    assert.deepEqual(call.header("x-many"), ["1", "2", "3"]);
    assert.deepEqual(call.header("x-none"), []);
    assert.deepEqual(call.header("constructor"), []);
    assert.deepEqual(new MockContext({ headers: { "X-A": "1" } }).call.header("x-a"), ["1"]);
  });

  it("are those that are there when it is asked", () => {
    const headers: Record<string, string> = {};
    const call = fakeCall("GET /a", headers);
    headers["Authorization"] = "Bearer x";
    assert.deepEqual(call.header("authorization"), ["Bearer x"]);
  });
});
