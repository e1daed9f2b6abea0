import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";

test("docs/signing-keys.md shows this example", () => {
  const page = readFileSync(new URL("../docs/signing-keys.md", import.meta.url), "utf8");
  const [, file = "", code] = /```ts file=(\S+)\n(.*?)```/s.exec(page) ?? [];
  assert.equal(code, readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
});

test("the example issues what jose accepts by its public keys", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-example-"));
  t.after(() => rmSync(folder, { recursive: true }));
  process.env["DATABASE"] = join(folder, "users.db");
  const { keys, loggedIn, publicKeys, store } = await import("./issue-tokens.ts");
  t.after(() => store.close());
  t.after(() => keys.stop());
  const { id } = await store.users.create({ username: "ada" });
  const { access, refresh } = await loggedIn(id);
  const { payload } = await jwtVerify(access, createLocalJWKSet(JSON.parse(publicKeys())), {
    issuer: "https://id.example.com",
  });
  assert.deepEqual([payload.sub, payload["username"], payload["amr"]], [id, "ada", ["hwk"]]);
  assert.match(refresh, /^cs_refresh_/);
});
