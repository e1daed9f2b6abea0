import { deepEqual, equal, rejects } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { certificateThumbprint } from "countersign/client-certificate";
import { createJwtForUser, hmacKey } from "countersign/jwt";
import { pino } from "pino";
import { type CertificateFiles, TestAuthority } from "../../../tools/certificates.ts";
import { loadConfig } from "../src/config/config.ts";
import { openStore } from "../src/database.ts";
import { checkProcedure } from "../src/decide/ext-authz.ts";
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "../src/gen/envoy/service/auth/v3/external_auth_pb.ts";
import { createNode, type Node } from "../src/node.ts";
import { scratchFolder, until } from "./program.ts";

// A proxy that shows a certificate in place of a key, and the certificates of its callers that Envoy forwards.

const authority = new TestAuthority("proxies");
const own = authority.issue({ dns: ["localhost"], usage: "serverAuth" });
const proxy = authority.issue({ dns: ["edge.internal"], usage: "clientAuth" });
const other = authority.issue({ dns: ["other.internal"], usage: "clientAuth" });
const callers = new TestAuthority("callers");
const ann = callers.issue({ dns: ["ann.test"], usage: "clientAuth" });
const stranger = callers.issue({ dns: ["stranger.test"], usage: "clientAuth" });
const secret = "9c1f7a30d4e84b66a2b75d0e8f3164c9";
let bound: string;
const read = ({ certificate, key }: CertificateFiles) => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
});
const ca = readFileSync(authority.certificate);

let node: Node;
let folder: string;
/** What was logged, a line each. */
const logged: string[] = [];
before(async () => {
  folder = scratchFolder();
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
  client_certificates:
    - { dns: edge.internal, name: edge, permissions: ["auth.decisions:ask"] }
    - { dns: ann.test, user: ann }
policy: { file: policy.yaml }
proxies: { ext_authz: true, forward_auth: true, client_ca_file: callers.pem }
`,
  );
  writeFileSync(join(folder, "callers.pem"), readFileSync(callers.certificate));
  const env = { COUNTERSIGN_DATA: join(folder, "data"), COUNTERSIGN_JWT_SECRET: secret };
  const config = loadConfig({ file: join(folder, "countersign.yaml"), env, createSecrets: true });
  const store = await openStore(config);
  const user = await store.users.create({ username: "ann", email: "ann@example.com" });
  await store.close();
  const cnf = { "x5t#S256": certificateThumbprint(new X509Certificate(read(ann).cert).raw) };
  const key = hmacKey({ secret: Buffer.from(secret), algorithm: "HS256" });
  bound = createJwtForUser(user, { key, expiresIn: 600, extraClaims: { cnf } });
  node = await createNode(
    config,
    pino({ level: "info" }, { write: (line: string) => void logged.push(line) }),
  );
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

interface Question {
  /** `METHOD /path` */
  readonly route: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What Envoy forwards. */
  readonly certificate?: string;
}

/** By gRPC, with a certificate of the proxy's. */
function check(
  files: CertificateFiles,
  { route, headers = {}, certificate }: Question,
): Promise<CheckResponse> {
  const { key, cert } = read(files);
  const port = node.grpcAddress.split(":")[1];
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(ca, key, cert), {
    "grpc.ssl_target_name_override": "localhost",
  });
  const [method = "", path = ""] = route.split(" ");
  const source = certificate === undefined ? {} : { source: { certificate } };
  const attributes = { request: { http: { method, path, headers } }, ...source };
  const bytes = toBinary(CheckRequestSchema, create(CheckRequestSchema, { attributes }));
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
}

it("asks by gRPC", async () => {
  const question = { route: "POST /acme.Orders/Find" };
  equal((await check(proxy, question)).httpResponse.case, "okResponse");
  await rejects(check(other, question), /16 UNAUTHENTICATED/);
});

/** Who calls `GET /mine` by which word of theirs, or why not. */
async function mine(more: Omit<Question, "route">): Promise<string> {
  const { dynamicMetadata: told = {} } = await check(proxy, { route: "GET /mine", ...more });
  return "reason" in told
    ? String(told["reason"])
    : `${String(told["user_id"])} by ${String(told["authenticator"])}`;
}

const forwarded = (files: CertificateFiles): string => encodeURIComponent(read(files).cert.toString());

it("Envoy's word about a caller's certificate authenticates, and beside a token it binds", async () => {
  equal(await mine({ certificate: forwarded(ann) }), "1 by client_certificate");
  equal(await mine({ certificate: forwarded(stranger) }), "CREDENTIALS_MISSING");
  const headers = { authorization: `Bearer ${bound}` };
  equal(await mine({ headers, certificate: forwarded(ann) }), "1 by jwt");
  equal(await mine({ headers, certificate: forwarded(stranger) }), "TOKEN_INVALID");
  equal(await mine({ headers }), "TOKEN_INVALID");
});

it("SECURITY: a certificate that our authorities have not signed counts for nothing, and no header counts for one", async () => {
  const fake = new TestAuthority("callers").issue({ dns: ["ann.test"], usage: "clientAuth" });
  equal(await mine({ certificate: forwarded(fake) }), "CREDENTIALS_MISSING");
  const pem = forwarded(ann);
  for (const name of ["x-forwarded-client-cert", "client-cert", "x-ssl-cert", "x-ssl-client-cert"])
    for (const value of [pem, `Hash=0;Cert="${pem}"`, read(ann).cert.toString("base64")]) {
      equal(await mine({ headers: { [name]: value } }), "CREDENTIALS_MISSING", name);
      equal(
        await mine({ headers: { [name]: value, authorization: `Bearer ${bound}` } }),
        "TOKEN_INVALID",
        name,
      );
    }
});

it("SECURITY: authorities of callers are read anew, at once where that is asked for; what cannot be used changes nothing", async () => {
  const next = new TestAuthority("next callers");
  const eve = next.issue({ dns: ["ann.test"], usage: "clientAuth" });
  const file = join(folder, "callers.pem");
  const put = (...texts: readonly string[]): void => {
    writeFileSync(`${file}.new`, texts.join(""));
    renameSync(`${file}.new`, file);
  };
  const pem = (one: TestAuthority): string => readFileSync(one.certificate, "utf8");
  const [ofAnn, ofEve] = [forwarded(ann), forwarded(eve)];
  const seen = async () => [await mine({ certificate: ofAnn }), await mine({ certificate: ofEve })];
  const [known, none] = ["1 by client_certificate", "CREDENTIALS_MISSING"];
  deepEqual(await seen(), [known, none]);
  put(pem(callers), pem(next));
  node.reloadCertificates();
  deepEqual(await seen(), [known, known]);
  put(pem(next));
  await until(5000, "the end of the first authority", async () => (await seen())[0] === none);
  deepEqual(await seen(), [none, known]);
  const complaint = /proxies\.client_ca_file \S+ holds no certificate in PEM/;
  const complaints = (): number => logged.filter((line) => complaint.test(line)).length;
  put("nothing");
  await until(5000, "the complaint", async () => complaints() === 1);
  node.reloadCertificates();
  deepEqual([await seen(), complaints()], [[none, known], 1]);
  put(pem(callers));
  node.reloadCertificates();
  deepEqual(await seen(), [known, none]);
});
