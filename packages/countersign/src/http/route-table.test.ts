import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RouteTable } from "./route-table.ts";

function tableOf(...keys: readonly string[]): RouteTable<string> {
  const table = new RouteTable<string>();
  for (const key of keys) table.add(key, key);
  return table;
}

const found = (table: RouteTable<string>, method: string, path: string): unknown => {
  const result = table.find(method, path);
  return result.kind === "route" ? [result.value, { ...result.params }] : result.kind;
};

describe("a table of routes", () => {
  const table = tableOf(
    "GET /",
    "GET /users",
    "GET /users/:id",
    "GET /users/me",
    "GET /users/:id/keys/:key",
    "GET /:any/me/keys/last",
    "POST /users",
    "HEAD /heads/:x",
  );

  it("finds by method and pattern, a literal before a name", () => {
    assert.deepEqual(found(table, "GET", "/"), ["GET /", {}]);
    assert.deepEqual(found(table, "GET", "/users/me"), ["GET /users/me", {}]);
    assert.deepEqual(found(table, "GET", "/users/7"), ["GET /users/:id", { id: "7" }]);
    assert.deepEqual(found(table, "GET", "/users/me/keys/last"), [
      "GET /users/:id/keys/:key",
      { id: "me", key: "last" },
    ]);
    assert.deepEqual(found(table, "HEAD", "/users/a%20b"), ["GET /users/:id", { id: "a b" }]);
    assert.deepEqual(found(table, "HEAD", "/heads/1"), ["HEAD /heads/:x", { x: "1" }]);
    assert.deepEqual(table.find("DELETE", "/users"), { kind: "other-method", allow: "GET, POST, HEAD" });
  });

  it("finds nothing by another spelling", () => {
    for (const path of [
      "",
      "/users/",
      "//users",
      "/Users",
      "/users%2f7",
      "/%75sers",
      "/users/..",
      "/users/.",
      "/users/%2e%2E",
      "/users/%zz",
      "/users//keys/1",
      "/x/../users",
      "/users;a",
    ])
      assert.notEqual((found(table, "GET", path) as string[])[0], "GET /users", path);
    for (const path of ["/users/", "/users/..", "/users/%2E", "/users/%zz", "/users/%c3"])
      assert.equal(found(table, "GET", path), "nothing", path);
    assert.equal(found(table, "get", "/users"), "other-method");
    assert.equal(found(table, "GET", "/__proto__"), "nothing");
  });

  it("keeps a name that JavaScript knows to itself", () => {
    const odd = tableOf("GET /:__proto__/:constructor");
    const result = odd.find("GET", "/a/b");
    assert.ok(result.kind === "route");
    assert.deepEqual(Object.entries(result.params), [
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });

  it("takes no key that is none, and no two of one shape", () => {
    for (const key of [
      "/users",
      "GET users",
      "get /users",
      "GET /a b",
      "GET /*",
      "GET /a/:",
      "GET /a/x:y",
      "GET /:a-b",
      "GET /a?b",
      "GET /..",
      "GET /:a/:a",
      "ALL *",
    ])
      assert.throws(() => tableOf(key), TypeError, key);
    assert.throws(() => tableOf("GET /a/:x", "GET /a/:y"), /two routes/);
    assert.throws(() => tableOf("GET /a", "GET /a"), /two routes/);
    tableOf("GET /a/:x", "POST /a/:x", "GET /a/b");
  });

  it("finds what a pattern was filled with, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (id) => {
        fc.pre(id !== "." && id !== ".." && id !== "me");
        assert.deepEqual(found(table, "GET", `/users/${encodeURIComponent(id)}`), ["GET /users/:id", { id }]);
      }),
    );
  });
});
