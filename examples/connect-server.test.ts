import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { UserService } from "./gen/api/users/users_pb.ts";

process.env["REPORTS_KEY"] = "sk-reports-0123456789";

test("the server of docs/connect.md admits and refuses as it says", async (t) => {
  const { server } = await import("./connect-server.ts");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close().closeAllConnections());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { "x-api-key": "sk-reports-0123456789" };

  for (const createTransport of [createConnectTransport, createGrpcWebTransport]) {
    const client = createClient(UserService, createTransport({ baseUrl, httpVersion: "1.1" }));
    const codeOf = (call: Promise<unknown>): Promise<Code | undefined> =>
      call.then(
        () => undefined,
        (error: unknown) => ConnectError.from(error).code,
      );
    assert.equal((await client.getUser({ userId: 1n })).requestedBy, "");
    assert.equal((await client.getUser({ userId: 1n }, { headers })).requestedBy, "static:reports");
    assert.equal(
      await codeOf(client.getUser({}, { headers: { "x-api-key": "nonsense" } })),
      Code.Unauthenticated,
    );
    assert.equal(await codeOf(client.listAllUsers({})), Code.Unauthenticated);
    assert.equal((await client.listAllUsers({}, { headers })).users[0]?.username, "alice");
    assert.equal(await codeOf(client.deleteUser({ userId: 1n }, { headers })), Code.PermissionDenied);
    for await (const { requestedBy } of client.watchUsers({}, { headers }))
      assert.equal(requestedBy, "static:reports");
  }
});
