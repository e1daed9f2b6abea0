import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { openssl, TestAuthority } from "../tools/certificates.ts";
import { buf } from "./clients/buf.ts";
import type { ClientTls } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { within } from "./deadline.ts";
import type { Json } from "./protos.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { finished, handshake, https, tlsBlock } from "./tls-door.ts";

// TLS without client certificates, on both listeners of the real program.

const authority = new TestAuthority("servers");
const files = authority.issue({ dns: ["localhost"], ips: ["127.0.0.1"], usage: "serverAuth" });
const tls: ClientTls = { authority: authority.certificate };
const whoAmI = "/auth.v1.AuthService/WhoAmI";

let server: ServerProcess;
before(async () => {
  const block = tlsBlock(files);
  const strict = tlsBlock(files, { min_version: "TLSv1.3" });
  server = await startServer({
    config: `grpc: { tls: ${block} }\nhttp: { tls: ${strict} }\nlog: { level: info }\n`,
  });
});
after(() => server.stop());

describe("a call by TLS", () => {
  for (const kind of [grpcJs, python, buf]) {
    it(`is answered: ${kind.name}`, async () => {
      const client = await kind.connect(server.grpc, tls);
      const headers = [["x-api-key", server.apiKey]] as const;
      const { code, answers } = await client.call({
        procedure: whoAmI,
        requests: [{}],
        headers,
        timeoutMs: 15_000,
      });
      await client.close();
      deepEqual([code, (answers[0]?.["user"] as Json | undefined)?.["username"]], [0, "alice"]);
    });
  }

  it("streams, too", async () => {
    const client = await grpcJs.connect(server.grpc, tls);
    const { code, answers } = await client.call({
      procedure: "/api.users.UserService/Chat",
      requests: [{ text: "a" }, { text: "b" }],
      take: 2,
      headers: [["x-api-key", server.apiKey]],
    });
    await client.close();
    deepEqual([code, answers.length], [0, 2]);
  });

  it("is answered over HTTP: Node and curl", async () => {
    const { status, json } = await https(server.http, whoAmI, tls, { "x-api-key": server.apiKey });
    deepEqual([status, (json["user"] as Json)["username"]], [200, "alice"]);
    const url = `https://${server.http}/healthz`;
    const { code, output } = await finished("curl", ["-sS", "--cacert", authority.certificate, url]);
    deepEqual([code, output], [0, '{"status":"ok"}\n']);
  });

  it("is not made by a client that believes another authority", async () => {
    const other: ClientTls = { authority: new TestAuthority("others").certificate };
    await rejects(https(server.http, whoAmI, other), /certificate|issuer/);
    const client = await grpcJs.connect(server.grpc, other);
    const { code } = await client.call({ procedure: whoAmI, requests: [{}] });
    await client.close();
    equal(code, 14);
  });
});

describe("what is older or weaker", () => {
  const anyone = { rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] };
  // Without this, the client itself would refuse.
  const old = { ...anyone, minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

  it("than TLS 1.2 is refused by both", async () => {
    for (const address of [server.grpc, server.http]) {
      for (const maxVersion of ["TLSv1", "TLSv1.1"] as const)
        await rejects(
          handshake(address, { ...old, maxVersion }),
          /alert|version/i,
          `${address} ${maxVersion}`,
        );
    }
  });

  it("than the configured version is refused", async () => {
    await rejects(handshake(server.http, { ...anyone, maxVersion: "TLSv1.2" }), /alert|version/i);
    equal((await handshake(server.http, anyone)).protocol, "TLSv1.3");
    equal((await handshake(server.grpc, { ...anyone, maxVersion: "TLSv1.2" })).protocol, "TLSv1.2");
  });

  it("than forward secrecy with authenticated encryption is refused (RFC 9325)", async () => {
    const refused = [
      "AES128-GCM-SHA256",
      "AES256-SHA",
      "ECDHE-ECDSA-AES128-SHA",
      "ECDHE-ECDSA-AES256-SHA384",
    ];
    for (const ciphers of refused) {
      const attempt = handshake(server.grpc, {
        ...anyone,
        maxVersion: "TLSv1.2",
        ciphers: `${ciphers}:@SECLEVEL=0`,
      });
      await rejects(attempt, /alert|handshake/i, ciphers);
    }
    const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    equal((await handshake(server.grpc, { ...anyone, maxVersion: "TLSv1.2", ciphers })).cipher, ciphers);
  });

  it("renegotiation is refused", async () => {
    const { hostname: host, port } = new URL(`https://${server.grpc}`);
    const socket = connect({ host, port: Number(port), ...anyone, maxVersion: "TLSv1.2" });
    await once(socket, "secureConnect");
    socket.resume();
    const refusal = new Promise<Error | null>((resolve) => {
      socket.once("error", resolve);
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    const error = await within(5000, "the refusal", refusal);
    match(String(error), /no renegotiation/);
    socket.destroy();
  });

  it("a client without HTTP/2 is not taken for one that speaks gRPC", async () => {
    const { hostname: host, port } = new URL(`https://${server.grpc}`);
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
    socket.on("error", () => {});
    await within(5000, "the end", once(socket, "close"));
  });
});

describe("plain text", () => {
  it("is not spoken by either: nothing comes back", async () => {
    for (const address of [server.grpc, server.http]) {
      const { hostname: host, port } = new URL(`http://${address}`);
      const socket = connectPlain(Number(port), host);
      let heard = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => (heard += chunk));
      socket.on("error", () => {});
      socket.write(
        `POST ${whoAmI} HTTP/1.1\r\nhost: x\r\nx-api-key: ${server.apiKey}\r\ncontent-length: 2\r\n\r\n{}`,
      );
      await within(5000, "the end", once(socket, "close"));
      // At most a TLS alert.
      ok(!heard.includes("HTTP") && heard.length < 20, heard);
    }
    ok(!server.stderr().includes(server.apiKey));
  });

  it("gets a client of gRPC nowhere", async () => {
    for (const kind of [grpcJs, python]) {
      const client = await kind.connect(server.grpc);
      const { code } = await client.call({ procedure: whoAmI, requests: [{}], timeoutMs: 3000 });
      await client.close();
      ok(code === 14 || code === 4, `${kind.name}: ${code}`);
    }
  });
});

describe("an address of IPv6", () => {
  const v6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

  it("is listened on, with IPv4 beside it: [::]", { skip: !v6 && "this machine has no IPv6" }, async () => {
    const both = authority.issue({ dns: ["localhost"], ips: ["127.0.0.1"] });
    const block = tlsBlock(both);
    const wide = await startServer({
      config: `grpc: { tls: ${block} }\nhttp: { tls: ${block} }\n`,
      env: { COUNTERSIGN_GRPC_LISTEN: "[::]:0", COUNTERSIGN_HTTP_LISTEN: "[::]:0" },
    });
    try {
      for (const address of [wide.grpc, wide.http]) {
        match(address, /^\[::\]:\d+$/);
        const port = address.replace("[::]:", "");
        for (const host of ["[::1]", "127.0.0.1"]) {
          const { certificate } = await handshake(`${host}:${port}`, {
            rejectUnauthorized: false,
            ALPNProtocols: ["h2", "http/1.1"],
          });
          notEqual(certificate, undefined);
        }
      }
    } finally {
      deepEqual(await wide.stop(), { code: 0, signal: null });
    }
  });
});

it("a client that hangs in its handshake does not keep the program from its end", async () => {
  const one = await startServer({
    config: `grpc: { tls: ${tlsBlock(files)} }\nhttp: { tls: ${tlsBlock(files)} }\n`,
  });
  const sockets = [one.grpc, one.http].map((address) => {
    const { hostname, port } = new URL(`http://${address}`);
    return connectPlain(Number(port), hostname).on("error", () => {});
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const began = performance.now();
  deepEqual(await one.stop(), { code: 0, signal: null });
  ok(performance.now() - began < 5000);
  for (const socket of sockets) socket.destroy();
});

it("openssl is the one that the tools bring", () => match(openssl("version"), /^OpenSSL 3|^OpenSSL 1\.1\.1/));
