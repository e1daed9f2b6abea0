import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Administrator } from "../../conformance/cast.ts";
import { http } from "../../conformance/door.ts";
import { outsidePolicy, outsideServer, proxyKey } from "../../conformance/outside.ts";
import { methodAt } from "../../conformance/protos.ts";
import { scratchFolder } from "../../conformance/scratch.ts";
import { type ServerProcess, startServer } from "../../conformance/server-process.ts";
import { procedure } from "../callers.ts";
import { quantile } from "../measure.ts";
import { message, start, stop } from "../processes.ts";
import type { BareReady } from "./bare-server.ts";
import { type Order, startCaller } from "./caller.ts";

// `npm run bench:proxy`: how long a proxy waits for its decision, at 500 calls a second, with identity tokens, beside servers that
// decide nothing, in turn: what a machine with neighbours does to a call meets both.

const rate = 500;
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 4);
const milliseconds = 5000;
const callers = 200;
/** One in a hundred is somebody who guesses. */
const guess = 99;

const policy = join(scratchFolder(), "policy.yaml");
writeFileSync(policy, outsidePolicy);
const server = await startServer({
  ...outsideServer(policy, "  upstreams: { users: {} }"),
  signing: "managed",
});
const bare = start("./proxies/bare-server.ts");
const bareAt = await message<BareReady>(bare);
const caller = startCaller();
const keys = (await makeKeys(server)).map((key, n) => (n % 100 === guess ? "cs_dev_nonsense" : key));
const envoy = askEnvoyWay(server);
const nginx = askByHttp(server);
const asked: Readonly<Record<string, { readonly order: Order; readonly pid: number | undefined }>> = {
  "grpc-js, bare": {
    order: { ...envoy, address: bareAt.grpc, path: procedure, calls: echoed(envoy) },
    pid: bare.pid,
  },
  ext_authz: { order: envoy, pid: server.pid },
  "node:http, bare": { order: { ...nginx, address: bareAt.http, calls: welcomed(nginx) }, pid: bare.pid },
  "forward-auth": { order: nginx, pid: server.pid },
};
const took = new Map<string, number[]>(Object.keys(asked).map((name) => [name, []]));
const cpu = new Map<string, number>();
let wrong = 0;

console.log(`load average before: ${load()}`);
// Every caller has been here before, and what is compiled for speed is: that takes 20,000 calls. Identity tokens are made anew as they go.
for (const { order } of Object.values(asked))
  await caller.run({ ...order, rate: 1000, milliseconds: 20_000 });
for (let round = 0; round < rounds; round++) {
  for (const [name, { order, pid }] of Object.entries(asked)) {
    const before = cpuOf(pid);
    const result = await caller.run(order);
    cpu.set(name, (cpu.get(name) ?? 0) + cpuOf(pid) - before);
    took.get(name)?.push(...result.took);
    wrong += result.wrong;
  }
}
for (const [name, all] of took) {
  const at = (share: number): string => quantile(all, share).toFixed(2);
  const used = Math.round(((cpu.get(name) ?? 0) / ((rounds * milliseconds) / 1000)) * 100);
  console.log(
    `${name.padEnd(15)} ${all.length} calls; ms p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} p99.9 ${at(0.999)} max ${quantile(all, 1).toFixed(2)}; the server used ${used} % of a core`,
  );
}
console.log(`wrong answers: ${wrong}; load average after: ${load()}`);
caller.close();
await stop(bare);
await server.stop();
process.exit(wrong === 0 ? 0 : 1);

function load(): string {
  return loadavg()
    .map((one) => one.toFixed(2))
    .join(" ");
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

function askEnvoyWay({ grpc: address }: ServerProcess): Order {
  const { path, requestSerialize } = methodAt("/envoy.service.auth.v3.Authorization/Check");
  const source = { address: { socket_address: { address: "127.0.0.1", port_value: 1 } } };
  const calls = keys.map((key, n) => {
    const headers = {
      "content-type": "application/grpc",
      "user-agent": "bench",
      te: "trailers",
      "x-api-key": key,
    };
    const asking = { method: "POST", path: "/api.users.UserService/UpdateProfile", headers };
    const body = requestSerialize({ attributes: { source, request: { http: asking } } });
    return {
      body: Buffer.from(body).toString("base64"),
      expected: n % 100 === guess ? "API_KEY_INVALID" : "x-countersign-identity",
    };
  });
  return { kind: "grpc", address, path, metadata: { "x-api-key": proxyKey }, calls, rate, milliseconds };
}

function askByHttp({ http: address }: ServerProcess): Order {
  const calls = keys.map((key, n) => ({
    headers: {
      "x-countersign-proxy-key": proxyKey,
      "x-forwarded-method": "POST",
      "x-forwarded-uri": "/api.users.UserService/UpdateProfile",
      "x-forwarded-for": "127.0.0.1",
      "content-type": "application/grpc",
      "x-api-key": key,
    },
    expected: n % 100 === guess ? "Grpc-Status: 16" : "X-Countersign-Identity",
  }));
  return { kind: "http", address, path: "/forward-auth/nginx", calls, rate, milliseconds };
}

function echoed({ calls }: Order): Order["calls"] {
  return calls.map(({ body = "" }) => ({ body, expected: "UpdateProfile" }));
}

function welcomed({ calls }: Order): Order["calls"] {
  return calls.map(({ headers = {} }) => ({ headers, expected: "200" }));
}

/** Seconds of the processor, of all threads. */
function cpuOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
