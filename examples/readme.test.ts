import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { createJwtForUser } from "countersign/jwt";

process.env["JWT_SECRET"] = "only for this test: 32 bytes or more";

for (const page of [
  "README.md",
  "packages/countersign/README.md",
  ...["connect", "http-frameworks", "revocation", "remote", "testing", "clients"].map(
    (name) => `docs/${name}.md`,
  ),
]) {
  test(`every code block of ${page} that names a file is that file`, () => {
    const text = readFileSync(new URL(`../${page}`, import.meta.url), "utf8");
    const blocks = [...text.matchAll(/```(?:ts|python|sh) file=(\S+)\n(.*?)```/gs)];
    assert.ok(blocks.length > 0);
    for (const [, file = "", code] of blocks) {
      assert.equal(code, readFileSync(new URL(`../${file}`, import.meta.url), "utf8"), file);
    }
  });
}

test("the logout of docs/revocation.md ends the token that it came with, and no other", async (t) => {
  const { server, signingKey } = await import("./logout.ts");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const user = { id: "3", username: "sam", email: undefined, isStaff: false, isSuperuser: false, roles: [] };
  const [token, other] = [
    createJwtForUser(user, { key: signingKey }),
    createJwtForUser(user, { key: signingKey }),
  ];
  const ask = async (method: string, path: string, credential: string) => {
    const headers = { authorization: `Bearer ${credential}` };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ask("GET", "/me", token), [200, "3"]);
  assert.deepEqual(await ask("POST", "/logout", token), [200, '{"status":"logged out"}']);
  assert.deepEqual(await ask("GET", "/me", token), [401, "TOKEN_REVOKED"]);
  assert.deepEqual(await ask("GET", "/me", other), [200, "3"]);
});
