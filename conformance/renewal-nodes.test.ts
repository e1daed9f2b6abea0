import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../tools/local-server.ts";
import { type NginxServer, startNginx } from "../tools/nginx-server.ts";
import { Administrator } from "./cast.ts";
import type { Client, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { renewingKinds } from "./clients/renewing.ts";
import { until } from "./deadline.ts";
import { bearer, logIn, newAccount } from "./door.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// Streams that are renewed, on two nodes behind a real nginx as deploy/nginx has it.

const lifetimeMs = 3000;
const config = "auth:\n  jwt:\n    access_lifetime: 3s\n    leeway: 0s\nshutdown_grace: 0s\n";

let nodes: readonly [ServerProcess, ServerProcess];
let nginx: NginxServer;
/** The nodes as clients see them. */
let behind: ServerProcess;
let administrator: Administrator;
before(async () => {
  const first = await startServer({ config });
  nodes = [first, await startServer({ config, data: first.data })];
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  nginx = await startNginx({ http: configuration(grpcPort, httpPort), port: grpcPort });
  behind = { ...first, grpc: `127.0.0.1:${grpcPort}`, http: `127.0.0.1:${httpPort}` };
  administrator = await Administrator.of(first);
});
after(async () => {
  await administrator.close();
  await nginx.stop();
  await Promise.all(nodes.map((node) => node.stop()));
});

/** The sample, at the addresses of this test. */
function configuration(grpcPort: number, httpPort: number): string {
  const sample = readFileSync(new URL("../deploy/nginx/nodes.conf", import.meta.url), "utf8");
  return Object.entries({
    "127.0.0.1:8443 http2": `127.0.0.1:${grpcPort} http2`,
    "127.0.0.1:8080": `127.0.0.1:${httpPort}`,
    "127.0.0.1:50051": nodes[0].grpc,
    "127.0.0.1:50052": nodes[1].grpc,
    "127.0.0.1:8000": nodes[0].http,
    "127.0.0.1:8001": nodes[1].http,
  }).reduce((text, [from, to]) => {
    ok(text.includes(from), `the sample has ${from}`);
    return text.replaceAll(from, to);
  }, sample);
}

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

it("renewals find their streams behind a balancer that goes by the stream's name: three lifetimes, on both nodes", async (t) => {
  const streams: { readonly name: string; ended: string | undefined }[] = [];
  const openedAt = Date.now();
  for (const kind of renewingKinds) {
    const { username, password } = await newAccount(administrator);
    const session = kind.session(behind, {});
    await session.login({ username, password });
    const users = kind.users(behind, session);
    t.after(() => {
      users.close();
      session.close?.();
    });
    for (let index = 0; index < 4; index += 1) {
      const stream = { name: `${kind.name} ${index}`, ended: undefined as string | undefined };
      streams.push(stream);
      void users
        .watch(() => {})
        .then((how) => {
          stream.ended = how;
        });
    }
  }
  await pause(openedAt + 3.5 * lifetimeMs - Date.now());
  const open = () => streams.filter(({ ended }) => ended === undefined);
  deepEqual(
    streams.filter(({ ended }) => ended !== undefined),
    [],
  );
  // By their names, some are on each.
  await nodes[1].stop("SIGKILL");
  await until(5000, "streams of the second node to end", async () => open().length < streams.length);
  ok(open().length > 0, "all were on one node");
});
