import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { credentials, Metadata, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import { createJwtForUser } from "countersign/jwt";
import { UserService } from "./gen/api/users/users_pb.ts";

process.env["JWT_SECRET"] = "only for this test: 32 bytes or more";
process.env["REPORTS_KEY"] = "sk-reports-0123456789";

for (const page of [
  "README.md",
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

test("the README's server admits and refuses as it says", async (t) => {
  const { listen, revocations, server, signingKey } = await import("./server.ts");
  const port = await listen("127.0.0.1:0");
  const Client = makeClientConstructor(serviceDefinition(UserService), "UserService");
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  const call = (method: string, headers: Readonly<Record<string, string>>): Promise<number> => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => {
      client[method]?.({}, metadata, (error: ServiceError | null) => resolve(error?.code ?? 0));
    });
  };
  const account = { username: "sam", email: undefined, isSuperuser: false, roles: [] };
  const staff = createJwtForUser({ ...account, id: "2", isStaff: true }, { key: signingKey });
  const plain = createJwtForUser({ ...account, id: "3", isStaff: false }, { key: signingKey });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  assert.equal(await call("getUser", {}), 0);
  assert.equal(await call("getUser", bearer("nonsense")), 16);
  assert.equal(await call("updateProfile", {}), 16);
  assert.equal(await call("updateProfile", bearer(plain)), 0);
  assert.equal(await call("listAllUsers", bearer(plain)), 7);
  assert.equal(await call("listAllUsers", bearer(staff)), 0);
  assert.equal(await call("listAllUsers", { "x-api-key": "sk-reports-0123456789" }), 0);
  assert.equal(await call("deleteUser", bearer(staff)), 0);

  const [, payload = ""] = staff.split(".");
  const { jti, exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as {
    jti: string;
    exp: number;
  };
  revocations.apply({ kind: "token", issuer: "", jti, expiresAt: exp });
  assert.equal(await call("listAllUsers", bearer(staff)), 16);
});

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
