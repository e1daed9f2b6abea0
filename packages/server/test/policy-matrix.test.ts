import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { servable } from "../src/descriptors.ts";
import { type MatrixNode, startMatrixNode } from "./matrix-node.ts";
import { scratchFolder } from "./program.ts";

// Who passes which rule: every RPC of the product and of the demo service, every kind of caller, every door. The rows
// are made of descriptors, so that no RPC can be forgotten; what they should say is committed.

type Matrix = Record<string, Record<string, string>>;

const golden = new URL("policy-matrix.json", import.meta.url);
const refresh =
  "UPDATE_MATRIX=1 node --conditions=countersign-source --test packages/server/test/policy-matrix.test.ts";
const methods = servable.flatMap((service) => service.methods);
const nameOf = ({ parent, name }: (typeof methods)[number]): string => `/${parent.typeName}/${name}`;

describe("every caller at every RPC", () => {
  const seen: Matrix = {};
  let expected: Matrix;
  let node: MatrixNode;
  before(async () => {
    expected = JSON.parse(readFileSync(golden, "utf8")) as Matrix;
    node = await startMatrixNode(join(scratchFolder(), "data"));
  });
  after(async () => {
    await node.close();
    if (process.env["UPDATE_MATRIX"] === "1")
      writeFileSync(golden, `${JSON.stringify(seen, undefined, 2)}\n`);
  });

  for (const method of methods) {
    const name = nameOf(method);
    it(name, async () => {
      const row: Record<string, string> = {};
      for (const [door, { takes, call }] of Object.entries(node.doors)) {
        if (!takes(method)) continue;
        for (const [who, credential] of Object.entries(node.credentials)) {
          const digest = node.digest();
          node.begun();
          const answer = await call(method, credential);
          assert.equal(
            node.begun(),
            answer === "allowed" ? 1 : 0,
            `${who} over ${door}: handlers that began`,
          );
          if (answer !== "allowed") assert.equal(node.digest(), digest, `${who} over ${door}: the database`);
          row[who] ??= answer;
          assert.equal(answer, row[who], `${who}: the doors differ`);
        }
      }
      seen[name] = row;
      if (process.env["UPDATE_MATRIX"] !== "1")
        assert.deepEqual(row, expected[name], `look at what is different; if it is meant: ${refresh}`);
    });
  }

  it("has a row for every RPC with a rule, and no other", () => {
    const rpcs = node.procedures.filter((procedure) => /^\/(?!grpc\.)/.test(procedure));
    assert.deepEqual(methods.map(nameOf).sort(), [...rpcs].sort());
    if (process.env["UPDATE_MATRIX"] !== "1")
      assert.deepEqual(
        Object.keys(expected).sort(),
        methods.map(nameOf).sort(),
        `rows of RPCs that are gone: ${refresh}`,
      );
  });
});
