import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { TestAuthority } from "../tools/certificates.ts";
import { haproxy } from "../tools/haproxy-server.ts";
import { type ProxyKind, type ProxyServer, startProxy } from "../tools/local-proxy.ts";
import { freePort } from "../tools/local-server.ts";
import { nginx } from "../tools/nginx-server.ts";
import { Administrator } from "./cast.ts";
import type { Client, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { renewingKinds } from "./clients/renewing.ts";
import { until } from "./deadline.ts";
import { bearer, logIn, newAccount } from "./door.ts";
import { sampleAt } from "./sample.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// Streams that are renewed, on two nodes behind real balancers as deploy/ has them.

const lifetimeMs = 3000;
const config = "auth:\n  jwt:\n    access_lifetime: 3s\n    leeway: 0s\nshutdown_grace: 0s\n";
const balancers: readonly { readonly kind: ProxyKind; readonly sample: string }[] = [
  { kind: nginx, sample: "nginx/nodes.conf" },
  { kind: haproxy, sample: "haproxy/nodes.cfg" },
];

let nodes: readonly [ServerProcess, ServerProcess];
/** The nodes as clients see them. */
const behind = new Map<string, ServerProcess>();
const proxies: ProxyServer[] = [];
let administrator: Administrator;
before(async () => {
  const first = await startServer({ config });
  nodes = [first, await startServer({ config, data: first.data })];
  for (const { kind, sample } of balancers) {
    const [grpcPort, httpPort] = [await freePort(), await freePort()];
    const configuration = sampleAt(sample, {
      "127.0.0.1:8443": `127.0.0.1:${grpcPort}`,
      "127.0.0.1:8080": `127.0.0.1:${httpPort}`,
      "127.0.0.1:50051": nodes[0].grpc,
      "127.0.0.1:50052": nodes[1].grpc,
      "127.0.0.1:8000": nodes[0].http,
      "127.0.0.1:8001": nodes[1].http,
    });
    proxies.push(await startProxy(kind, { configuration, port: grpcPort }));
    behind.set(kind.name, { ...first, grpc: `127.0.0.1:${grpcPort}`, http: `127.0.0.1:${httpPort}` });
  }
  administrator = await Administrator.of(first);
});
after(async () => {
  await Promise.all([...proxies, ...nodes].map((server) => server.stop()));
  await administrator.close();
});

it("a node that does not have a stream says so, also where the question has the stream's name in its header", async () => {
  const [here, there] = await Promise.all(nodes.map(({ grpc }) => grpcJs.connect(grpc)));
  if (here === undefined || there === undefined) throw new Error("no clients");
  const { access_token: token } = await logIn(here, await newAccount(administrator));
  const streamId = "on-the-first-of-tw0-nodes";
  const name = ["x-countersign-stream", streamId] as const;
  const opened = Promise.withResolvers<void>();
  const stream = here.call({
    procedure: "/api.users.UserService/WatchUsers",
    requests: [{}],
    headers: [bearer(token), name],
    timeoutMs: 20_000,
    onAnswer: () => opened.resolve(),
  });
  await opened.promise;
  for (const headers of [[bearer(token)], [bearer(token), name]]) {
    const ask = (client: Client): Promise<Outcome> =>
      client.call({
        procedure: "/auth.v1.AuthService/RenewStream",
        requests: [{ stream_id: streamId }],
        headers,
      });
    const { code, message } = await ask(there);
    deepEqual([code, message], [5, "No such stream of this caller's is open on this node"]);
    equal((await ask(here)).code, 0);
  }
  stream.catch(() => {});
  await Promise.all([here.close(), there.close()]);
});

it("HAProxy with TLS at its front agrees on HTTP/2, and sends renewals where their streams are", async (t) => {
  const authority = new TestAuthority("Edge");
  const own = authority.issue({ ips: ["127.0.0.1"], usage: "serverAuth" });
  const port = await freePort();
  const configuration = sampleAt("haproxy/nodes.cfg", {
    // As the sample says for production.
    "bind 127.0.0.1:8443 proto h2": `bind 127.0.0.1:${port} ssl crt "\${HOME}/site.pem" alpn h2`,
    "127.0.0.1:8080": `127.0.0.1:${await freePort()}`,
    "127.0.0.1:50051": nodes[0].grpc,
    "127.0.0.1:50052": nodes[1].grpc,
    "127.0.0.1:8000": nodes[0].http,
    "127.0.0.1:8001": nodes[1].http,
  });
  const files = { "site.pem": [own.certificate, own.key].map((path) => readFileSync(path, "utf8")).join("") };
  const proxy = await startProxy(haproxy, { configuration, port, files });
  t.after(() => proxy.stop());
  const client = await grpcJs.connect(`127.0.0.1:${port}`, { authority: authority.certificate });
  t.after(() => client.close());
  const { access_token: token } = await logIn(client, await newAccount(administrator));
  const service = "/api.users.UserService";
  const refused = await client.call({ procedure: `${service}/WatchUsers`, requests: [{}], headers: [] });
  deepEqual([refused.code, refused.reason], [16, "CREDENTIALS_MISSING"]);
  // Each is on one of two nodes, and a renewal that came to the other would be NOT_FOUND.
  for (let index = 0; index < 8; index += 1) {
    const streamId = `over-tls-to-one-of-two-nodes-${index}`;
    const headers = [bearer(token), ["x-countersign-stream", streamId]] as const;
    const opened = Promise.withResolvers<void>();
    const stream = client.call({
      ...{ procedure: `${service}/WatchUsers`, requests: [{}], headers, timeoutMs: 20_000 },
      onAnswer: () => opened.resolve(),
    });
    stream.catch(() => {});
    await opened.promise;
    const renewal = { procedure: "/auth.v1.AuthService/RenewStream", requests: [{ stream_id: streamId }] };
    equal((await client.call({ ...renewal, headers })).code, 0, streamId);
  }
});

it("renewals find their streams behind a balancer that goes by the stream's name: three lifetimes, on both nodes", async (t) => {
  const streams: Stream[] = [];
  const openedAt = Date.now();
  for (const [balancer, server] of behind) {
    for (const kind of renewingKinds) {
      const { username, password } = await newAccount(administrator);
      const session = kind.session(server, {});
      await session.login({ username, password });
      const users = kind.users(server, session);
      t.after(() => {
        users.close();
        session.close?.();
      });
      for (let index = 0; index < 4; index += 1) {
        const stream: Stream = { balancer, name: `${kind.name} ${index}`, ended: undefined };
        streams.push(stream);
        void users
          .watch(() => {})
          .then((how) => {
            stream.ended = how;
          });
      }
    }
  }
  await pause(openedAt + 3.5 * lifetimeMs - Date.now());
  deepEqual(
    streams.filter(({ ended }) => ended !== undefined),
    [],
  );
  // By their names, some are on each.
  await nodes[1].stop("SIGKILL");
  for (const balancer of behind.keys()) {
    const mine = streams.filter((stream) => stream.balancer === balancer);
    const open = () => mine.filter(({ ended }) => ended === undefined);
    await until(5000, "streams of the second node to end", async () => open().length < mine.length);
    ok(open().length > 0, `${balancer}: all were on one node`);
  }
});

interface Stream {
  readonly balancer: string;
  readonly name: string;
  ended: string | undefined;
}
