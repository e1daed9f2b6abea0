import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { fieldErrors } from "../src/api/errors.ts";
import { BadRequestSchema } from "../src/api/protos.ts";

test("what is wrong with members of a list is told at the field of the list, the first of it", () => {
  const fieldViolations = [
    { field: "name", description: "1 to 100 characters" },
    { field: "limits[1].per", description: "one for each period" },
    { field: "limits[2].calls", description: "a number" },
    { field: "scopes[0]", description: "a wildcard" },
  ];
  const error = new ConnectError("no", Code.InvalidArgument, undefined, [
    { desc: BadRequestSchema, value: { fieldViolations } },
  ]);
  assert.deepEqual(fieldErrors(error), {
    name: "1 to 100 characters",
    limits: "2: one for each period",
    scopes: "1: a wildcard",
  });
});
