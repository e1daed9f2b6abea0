import { deepEqual, rejects } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { pino } from "pino";
import { type CertificateFiles, TestAuthority } from "../../../tools/certificates.ts";
import { loadConfig } from "../src/config/config.ts";
import { checkProcedure } from "../src/decide/ext-authz.ts";
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "../src/gen/envoy/service/auth/v3/external_auth_pb.ts";
import { createNode, type Node } from "../src/node.ts";
import { scratchFolder } from "./program.ts";

// A proxy that shows a certificate in place of a key.

const authority = new TestAuthority("proxies");
const own = authority.issue({ dns: ["localhost"], usage: "serverAuth" });
const proxy = authority.issue({ dns: ["edge.internal"], usage: "clientAuth" });
const other = authority.issue({ dns: ["other.internal"], usage: "clientAuth" });
const read = ({ certificate, key }: CertificateFiles) => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
});
const ca = readFileSync(authority.certificate);

let node: Node;
before(async () => {
  const folder = scratchFolder();
  const tls = `{ certificate_file: ${own.certificate}, key_file: ${own.key}, client_ca_file: ${authority.certificate}, client_certificates: optional }`;
  writeFileSync(
    join(folder, "policy.yaml"),
    "rules: { /acme.Orders/Find: optional, GET /mine: authenticated }",
  );
  writeFileSync(
    join(folder, "countersign.yaml"),
    `
environment: development
services: [auth.v1.AuthService]
grpc: { listen: "127.0.0.1:0", tls: ${tls} }
http: { listen: "127.0.0.1:0", tls: ${tls} }
auth:
  client_certificates: [{ dns: edge.internal, name: edge, permissions: ["auth.decisions:ask"] }]
policy: { file: policy.yaml }
proxies: { ext_authz: true, forward_auth: true }
`,
  );
  const env = { COUNTERSIGN_DATA: join(folder, "data") };
  const config = loadConfig({ file: join(folder, "countersign.yaml"), env, createSecrets: true });
  node = await createNode(config, pino({ enabled: false }));
  node.serve();
});
after(() => node.stop());

async function forwardAuth(files: CertificateFiles | undefined, uri: string): Promise<number | undefined> {
  const [, port] = node.httpAddress.split(":");
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { "x-forwarded-method": uri.startsWith("/acme") ? "POST" : "GET", "x-forwarded-uri": uri };
  const options = { host: "127.0.0.1", port, servername: "localhost", path: "/forward-auth", headers, ca };
  const asking = request({ ...options, agent: false, ...(files !== undefined && read(files)) }, resolve);
  asking.once("error", reject).end();
  const answer = await promise;
  answer.resume();
  return answer.statusCode;
}

it("asks over HTTP, and its certificate is no credential of its callers", async () => {
  deepEqual(
    [
      await forwardAuth(proxy, "/acme.Orders/Find"),
      await forwardAuth(proxy, "/mine"),
      await forwardAuth(other, "/acme.Orders/Find"),
      await forwardAuth(undefined, "/acme.Orders/Find"),
    ],
    [200, 401, 503, 503],
  );
});

it("asks by gRPC", async () => {
  const port = node.grpcAddress.split(":")[1];
  const ask = (files: CertificateFiles): Promise<CheckResponse> => {
    const { key, cert } = read(files);
    const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(ca, key, cert), {
      "grpc.ssl_target_name_override": "localhost",
    });
    const http = { method: "POST", path: "/acme.Orders/Find" };
    const bytes = toBinary(
      CheckRequestSchema,
      create(CheckRequestSchema, { attributes: { request: { http } } }),
    );
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        checkProcedure,
        (value: Uint8Array) => Buffer.from(value),
        (answer: Buffer) => fromBinary(CheckResponseSchema, answer),
        bytes,
        (error, answer) => {
          client.close();
          if (error === null) resolve(answer as CheckResponse);
          else reject(error);
        },
      );
    });
  };
  deepEqual((await ask(proxy)).httpResponse.case, "okResponse");
  await rejects(ask(other), /16 UNAUTHENTICATED/);
});
