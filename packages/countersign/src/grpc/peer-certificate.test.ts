import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Duplex, Readable, Writable } from "node:stream";
import { afterEach, describe, it } from "node:test";
import { TLSSocket } from "node:tls";
import { credentials, experimental, ServerCredentials } from "@grpc/grpc-js";
import { type CertificateFiles, TestAuthority } from "../../../../tools/certificates.ts";
import { createAuth } from "../core/auth.ts";
import type { Authenticator } from "../core/authenticator.ts";
import { allow } from "../core/decision.ts";
import { principal } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { EchoClient, echo, type Kind, kinds, listen, type Message } from "./echo.suite.ts";
import { grpcAuth } from "./grpc-auth.ts";

// grpc-js's own TLS: what a library's user has.

const servers = new TestAuthority("servers");
const clients = new TestAuthority("clients");
const own = servers.issue({ dns: ["localhost"], ips: ["127.0.0.1"] });
const known = clients.issue({ subject: "/CN=known" });
const stranger = new TestAuthority("clients").issue({ subject: "/CN=known" });

/** Says whose certificate the call came with. */
const byCertificate: Authenticator<Principal> = {
  name: "certificate",
  header: undefined,
  challenge: undefined,
  unrecognized: () => "CREDENTIALS_MISSING",
  start:
    () =>
    (_value, { peer }) =>
      allow(
        principal({
          userId:
            peer.certificate === undefined ? "nobody" : new X509Certificate(peer.certificate).serialNumber,
        }),
        "certificate",
      ),
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function start(transport: ServerCredentials): Promise<number> {
  const rules = policyFor<Principal>().rules(echo, {
    Unary: "authenticated",
    Upload: "authenticated",
    Download: "authenticated",
    Chat: "authenticated",
  });
  const auth = createAuth<Principal>({ authenticators: [byCertificate], policy: [rules] });
  const rpc = grpcAuth<Principal>(auth);
  const server = rpc.createServer();
  const who = (call: { readonly metadata: never }): Message => ({ who: rpc.principal(call)?.userId ?? "" });
  server.addService(echo, {
    Unary: (call: never, callback: (error: null, answer: Message) => void) => callback(null, who(call)),
    Upload: (call: never, callback: (error: null, answer: Message) => void) =>
      (call as Readable).resume().on("end", () => callback(null, who(call))),
    Download: (call: never) => tell(call, who(call)),
    Chat: (call: never) => (call as Duplex).resume().on("end", () => tell(call, who(call))),
  } as never);
  const port = await listen(server, transport);
  closers.push(() => server.forceShutdown());
  return port;
}

function tell(call: Writable, message: Message): void {
  call.write(message);
  call.end();
}

function connect(port: number, files?: CertificateFiles): EchoClient {
  const [key, certificate] = [files?.key, files?.certificate].map((path) =>
    path === undefined ? null : readFileSync(path),
  );
  const client = new EchoClient(
    port,
    credentials.createSsl(readFileSync(servers.certificate), key, certificate),
  );
  closers.push(() => client.close());
  return client;
}

async function whoIs(client: EchoClient, kind: Kind = "Unary"): Promise<string | number> {
  const { code, messages } = await client.call(kind, {});
  return code === 0 ? (messages[0]?.who ?? "") : code;
}

const pair = { private_key: readFileSync(own.key), cert_chain: readFileSync(own.certificate) };
const serial = new X509Certificate(readFileSync(known.certificate)).serialNumber;

describe("the client certificate of a grpc-js call", () => {
  it("is there in every kind of call, and is read once for a connection", async (t) => {
    const port = await start(ServerCredentials.createSsl(readFileSync(clients.certificate), [pair], true));
    const client = connect(port, known);
    const read = t.mock.method(TLSSocket.prototype, "getPeerCertificate");
    // The client, too, looks at its server's certificate when it connects.
    assert.equal(await whoIs(client), serial);
    const first = read.mock.callCount();
    for (const kind of kinds) assert.equal(await whoIs(client, kind), serial);
    assert.equal(read.mock.callCount(), first);
    assert.equal(await whoIs(connect(port, stranger)), 14);
    assert.equal(await whoIs(connect(port)), 14);
  });

  it("is not there where TLS has not verified it, although it let it in", async () => {
    const provider = {
      addCaCertificateListener: (tell: (update: object) => void) =>
        process.nextTick(tell, { caCertificate: readFileSync(clients.certificate) }),
      removeCaCertificateListener: () => {},
      addIdentityCertificateListener: (tell: (update: object) => void) =>
        process.nextTick(tell, { certificate: pair.cert_chain, privateKey: pair.private_key }),
      removeIdentityCertificateListener: () => {},
    } as never;
    const port = await start(
      experimental.createCertificateProviderServerCredentials(provider, provider, false),
    );
    assert.equal(await whoIs(connect(port, known)), serial);
    assert.equal(await whoIs(connect(port, stranger)), "nobody");
  });

  it("is not there without client certificates, or without TLS", async () => {
    assert.equal(
      await whoIs(connect(await start(ServerCredentials.createSsl(null, [pair])), known)),
      "nobody",
    );
    const plain = new EchoClient(await start(ServerCredentials.createInsecure()));
    closers.push(() => plain.close());
    assert.equal(await whoIs(plain), "nobody");
  });
});

it("connections that were accepted elsewhere need a whole policy, too", () => {
  const rules = policyFor<Principal>().rules(echo, {
    Unary: "open",
    Upload: "open",
    Download: "open",
    Chat: "open",
  });
  const rpc = grpcAuth<Principal>(
    createAuth<Principal>({ authenticators: [byCertificate], policy: [rules] }),
  );
  const server = rpc.createServer();
  assert.throws(() => server.createConnectionInjector(ServerCredentials.createInsecure()), /Unary/);
});
