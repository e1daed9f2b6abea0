import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { type CertificateFiles, TestAuthority } from "../../../../tools/certificates.ts";
import { HttpCall } from "./http-call.ts";

const servers = new TestAuthority("servers");
const clients = new TestAuthority("clients");
const own = servers.issue({ dns: ["localhost"], ips: ["127.0.0.1"] });
const known = clients.issue({});
const stranger = new TestAuthority("clients").issue({});
const read = (path: string): Buffer => readFileSync(path);

it("an HTTP call has the client certificate that TLS has verified, and no other; read once for a connection", async () => {
  const seen: (Uint8Array | undefined)[] = [];
  // As somebody's server that looks at the certificate later, or forgets to.
  const server = createServer(
    {
      ...{ cert: read(own.certificate), key: read(own.key), ca: read(clients.certificate) },
      requestCert: true,
      rejectUnauthorized: false,
    },
    (incoming, response) => {
      seen.push(new HttpCall("http", "GET /", incoming).peer.certificate);
      response.end();
    },
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  async function ask(files: CertificateFiles | undefined, times: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const certificate = files === undefined ? {} : { cert: read(files.certificate), key: read(files.key) };
    for (let call = 0; call < times; call++) {
      const sent = request({
        port,
        host: "127.0.0.1",
        agent,
        ca: read(servers.certificate),
        ...certificate,
      }).end();
      const [response] = (await once(sent, "response")) as [NodeJS.ReadableStream];
      response.resume();
      await once(response, "end");
    }
    agent.destroy();
  }

  await ask(known, 2);
  await ask(stranger, 1);
  await ask(undefined, 1);
  server.close();
  const [first, second, ...others] = seen;
  assert.ok(first !== undefined && first === second);
  assert.deepEqual(Buffer.from(first), new X509Certificate(read(known.certificate)).raw);
  assert.deepEqual(others, [undefined, undefined]);
});
