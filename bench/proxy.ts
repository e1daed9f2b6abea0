import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { loadavg } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { Administrator } from "../conformance/cast.ts";
import { http } from "../conformance/door.ts";
import { outsidePolicy, outsideServer, proxyKey } from "../conformance/outside.ts";
import { methodAt } from "../conformance/protos.ts";
import { scratchFolder } from "../conformance/scratch.ts";
import { type ServerProcess, startServer } from "../conformance/server-process.ts";
import { keepPausesShort } from "../packages/server/src/short-pauses.ts";

// `npm run bench:proxy`: how long a proxy waits for its decision, at 500 calls a second, with identity tokens. Calls are sent when
// their time has come, whatever became of those before, and are timed from then on.

// What is measured is how long the program takes, and not how long this client is about its own garbage.
keepPausesShort();

const rate = 500;
const seconds = Number(process.env["BENCH_SECONDS"] ?? 10);
const callers = 200;

/** Asks once; is it the answer that this key gets? */
type Ask = (key: string, good: boolean) => Promise<boolean>;

const policy = join(scratchFolder(), "policy.yaml");
writeFileSync(policy, outsidePolicy);
const server = await startServer({
  ...outsideServer(policy, "  upstreams: { users: {} }"),
  signing: "managed",
});
const keys = await makeKeys(server);
const doors: readonly (readonly [string, Ask])[] = [
  ["ext_authz", askEnvoyWay(server)],
  ["forward-auth", askByHttp(server)],
];
console.log(
  `load average before: ${loadavg()
    .map((load) => load.toFixed(2))
    .join(" ")}`,
);
for (const [name, ask] of doors) {
  // Every caller has been here before; then identity tokens are made anew as they go.
  await run(ask, { milliseconds: 6000 });
  const cpu = cpuOf(server);
  const own = process.cpuUsage();
  const { durations, wrong } = await run(ask, { milliseconds: seconds * 1000 });
  const used = (cpuOf(server) - cpu) / seconds;
  const { user, system } = process.cpuUsage(own);
  const asking = (user + system) / 1e6 / seconds;
  const at = (share: number): string => (durations[Math.floor(durations.length * share)] ?? 0).toFixed(2);
  console.log(
    `${name.padEnd(13)} ${durations.length} calls, ${wrong} wrong; ms p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} p99.9 ${at(0.999)} ` +
      `max ${(durations.at(-1) ?? 0).toFixed(2)}; the server used ${Math.round(used * 100)} % of a core, and who asked ${Math.round(asking * 100)} %`,
  );
}
console.log(
  `load average after: ${loadavg()
    .map((load) => load.toFixed(2))
    .join(" ")}`,
);
await server.stop();
process.exit();

async function run(ask: Ask, { milliseconds }: { readonly milliseconds: number }) {
  const durations: number[] = [];
  const open: Promise<void>[] = [];
  let wrong = 0;
  const begin = performance.now();
  const calls = (milliseconds / 1000) * rate;
  for (let index = 0; index < calls; index++) {
    const due = begin + (index * 1000) / rate;
    while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, 1));
    // One in a hundred is somebody who guesses.
    const good = index % 100 !== 99;
    const key = good ? (keys[index % keys.length] ?? "") : "cs_dev_nonsense";
    open.push(
      ask(key, good).then((right) => {
        durations.push(performance.now() - due);
        if (!right) wrong += 1;
      }),
    );
  }
  await Promise.all(open);
  return { durations: durations.sort((a, b) => a - b), wrong };
}

async function makeKeys(of: ServerProcess): Promise<readonly string[]> {
  const [{ username, password } = { username: "", password: "" }] = of.users;
  const { json } = await http(of, "/auth.v1.AuthService/Login", { body: { username, password } });
  const administrator = await Administrator.with(of, String(json["access_token"]));
  const made: string[] = [];
  for (let index = 0; index < callers; index++) {
    const id = await administrator.createUser(`caller-${index}`);
    made.push((await administrator.createKey(id, "bench")).key);
  }
  await administrator.close();
  return made;
}

function askEnvoyWay({ grpc }: ServerProcess): Ask {
  const client = new Client(grpc, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = methodAt(
    "/envoy.service.auth.v3.Authorization/Check",
  );
  const own = new Metadata();
  own.set("x-api-key", proxyKey);
  return (key, good) => {
    const headers = {
      "content-type": "application/grpc",
      "user-agent": "bench",
      te: "trailers",
      "x-api-key": key,
    };
    const address = { socket_address: { address: "127.0.0.1", port_value: 1 } };
    const asked = { method: "POST", path: "/api.users.UserService/UpdateProfile", headers };
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { attributes: { source: { address }, request: { http: asked } } },
        own,
        (error, answer) => {
          const { status, ok_response: ok } = (answer ?? {}) as {
            status?: { code: number };
            ok_response?: { headers: unknown[] };
          };
          resolve(error === null && (good ? ok?.headers.length === 1 : status?.code === 16));
        },
      );
    });
  };
}

function askByHttp({ http: address }: ServerProcess): Ask {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const [host, port] = address.split(":");
  return (key, good) =>
    new Promise((resolve) => {
      const headers = {
        "x-countersign-proxy-key": proxyKey,
        "x-forwarded-method": "POST",
        "x-forwarded-uri": "/api.users.UserService/UpdateProfile",
        "x-forwarded-for": "127.0.0.1",
        "content-type": "application/grpc",
        "x-api-key": key,
      };
      const asking = request({ host, port, agent, path: "/forward-auth/nginx", headers }, (answer) => {
        answer.resume().once("end", () => {
          const identity = typeof answer.headers["x-countersign-identity"] === "string";
          resolve(good ? answer.statusCode === 200 && identity : answer.headers["grpc-status"] === "16");
        });
      });
      asking.once("error", () => resolve(false)).end();
    });
}

/** Seconds of the processor, of all threads. */
function cpuOf({ pid }: ServerProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
