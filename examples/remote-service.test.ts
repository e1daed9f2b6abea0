import assert from "node:assert/strict";
import test from "node:test";
import {
  credentials,
  Metadata,
  makeClientConstructor,
  ServerCredentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { generateApiKey } from "countersign/api-key";
import { serviceDefinition } from "countersign/grpc";
import { UserService } from "./gen/api/users/users_pb.ts";

// Nobody listens there: what it does beside a server is tried in conformance/remote.test.ts.
process.env["AUTH_ADDRESS"] = "127.0.0.1:1";
process.env["AUTH_HTTP"] = "http://127.0.0.1:1";
process.env["GUARD_KEY"] = "cs_dev_only_for_this_test";

test("the service of docs/remote.md has a rule for every RPC, and lets nobody in before it knows what is revoked", async (t) => {
  const { remote, server } = await import("./remote-service.ts");
  t.mock.method(console, "error", () => {});
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const Client = makeClientConstructor(serviceDefinition(UserService), "UserService");
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(async () => {
    client.close();
    server.forceShutdown();
    await remote.close();
  });
  const call = (headers: Readonly<Record<string, string>>): Promise<number> => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => {
      client["updateProfile"]?.({}, metadata, (error: ServiceError | null) => resolve(error?.code ?? 0));
    });
  };
  assert.equal(await call({}), 16);
  assert.equal(await call({ "x-api-key": "nonsense" }), 16);
  assert.equal(await call({ "x-api-key": generateApiKey("dev").key }), 14);
});
