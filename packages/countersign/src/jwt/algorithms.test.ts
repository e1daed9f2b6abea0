import assert from "node:assert/strict";
import { test } from "node:test";
import { algorithmSpec, algorithms, isAlgorithm } from "./algorithms.ts";

test("knows fourteen algorithms, and none is not among them", () => {
  assert.equal(
    Object.keys(algorithms).join(" "),
    "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519",
  );
  for (const [name, spec] of Object.entries(algorithms)) assert.equal(spec.name, name);
});

test("compares names exactly", () => {
  const others = [
    "none",
    "None",
    "NONE",
    "",
    "hs256",
    "HS256 ",
    "ES521",
    "ES256K",
    "constructor",
    "__proto__",
    "toString",
  ];
  for (const name of [...others, undefined, null, 256, ["HS256"], { toString: () => "HS256" }]) {
    assert.equal(isAlgorithm(name), false, String(name));
    assert.throws(() => algorithmSpec(name), TypeError);
  }
});

test("cannot be changed", () => {
  assert.ok(Object.isFrozen(algorithms));
  assert.ok(Object.values(algorithms).every(Object.isFrozen));
});
