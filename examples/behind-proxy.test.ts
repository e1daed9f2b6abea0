import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
  credentials,
  Metadata,
  makeClientConstructor,
  ServerCredentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import { createKeyRing, privateKey, signToken } from "countersign/jwt";
import { createServer } from "./behind-proxy.ts";
import { UserService } from "./gen/api/users/users_pb.ts";

test("every code block of docs/proxies.md that names a file is that file", () => {
  const text = readFileSync(new URL("../docs/proxies.md", import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```\w+ file=(\S+)\n(.*?)```/gs)];
  assert.equal(blocks.length, 2);
  for (const [, file = "", code] of blocks)
    assert.equal(code, readFileSync(new URL(`../${file}`, import.meta.url), "utf8"), file);
});

test("the service of docs/proxies.md believes tokens for the RPC that is called, and nothing else", async (t) => {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const key = privateKey({ key: pem, algorithm: "EdDSA", kid: "k1" });
  const ring = createKeyRing([key.publicKey]);
  const server = createServer(() => ring);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const Client = makeClientConstructor(serviceDefinition(UserService), "UserService");
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  const call = (method: string, token?: string): Promise<number> => {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("x-countersign-identity", token);
    return new Promise((resolve) => {
      client[method]?.({}, metadata, (error: ServiceError | null) => resolve(error?.code ?? 0));
    });
  };
  const now = Math.floor(Date.now() / 1000);
  const token = (name: string, change: object = {}, typ = "countersign-identity+jwt"): string => {
    const procedure = `/${UserService.typeName}/${name}`;
    const claims = {
      token_type: "identity",
      sub: "7",
      aud: "users",
      iat: now,
      exp: now + 30,
      jti: "j",
      procedure,
    };
    return signToken({ ...claims, ...change }, key, { typ });
  };
  assert.equal(await call("getUser"), 0);
  assert.equal(await call("updateProfile"), 16);
  assert.equal(await call("updateProfile", token("UpdateProfile")), 0);
  assert.equal(await call("updateProfile", token("DeleteUser")), 7);
  assert.equal(await call("listAllUsers", token("ListAllUsers")), 7);
  assert.equal(await call("listAllUsers", token("ListAllUsers", { is_staff: true })), 0);
  assert.equal(await call("updateProfile", token("UpdateProfile", { aud: "orders" })), 16);
  assert.equal(await call("updateProfile", token("UpdateProfile", { exp: now + 3600 })), 16);
  assert.equal(await call("updateProfile", token("UpdateProfile", { token_type: "access" })), 16);
  assert.equal(await call("updateProfile", token("UpdateProfile", {}, "JWT")), 16);
});
