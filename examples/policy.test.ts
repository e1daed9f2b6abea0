import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { auth } from "./policy.ts";

test("the code block of docs/policy.md is examples/policy.ts", () => {
  const [, code] =
    /```ts file=examples\/policy\.ts\n(.*?)```/s.exec(
      readFileSync(new URL("../docs/policy.md", import.meta.url), "utf8"),
    ) ?? [];
  assert.equal(code, readFileSync(new URL("policy.ts", import.meta.url), "utf8"));
});

test("rules of protos, data and code are one policy", () => {
  const rules = new Map(
    auth.rules().map(({ procedure, rule, origin }) => [procedure, `${rule} (${origin ?? "code"})`]),
  );
  assert.equal(rules.get("/api.users.UserService/DeleteUser"), "isSuperuser (proto)");
  assert.equal(rules.get("/acme.Legacy/Ping"), "open (policy.yaml)");
  assert.equal(rules.get("/acme.Orders/Get"), "owner or staff (code)");
  auth.serve(["/acme.Orders/Get"], { decoded: ["/acme.Orders/Get"] });
  assert.throws(() => auth.serve(["/acme.Orders/Get"]), /names the request/);
});
