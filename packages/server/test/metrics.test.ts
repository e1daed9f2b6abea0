import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { startRedis } from "../../../tools/redis-server.ts";
import { type Config, loadConfig } from "../src/config/config.ts";
import { configProblems } from "../src/config/production-checks.ts";
import { createNode } from "../src/node.ts";
import { CallCounts } from "../src/observation/call-counts.ts";
import { callBuckets, Durations, DurationsHistogram } from "../src/observation/number-histogram.ts";

const token = randomBytes(20).toString("hex");

function production(env: Readonly<Record<string, string>> = {}): Config {
  const data = mkdtempSync(join(tmpdir(), "countersign-metrics-"));
  process.once("exit", () => rmSync(data, { recursive: true, force: true }));
  return loadConfig({
    env: {
      COUNTERSIGN_DATA: data,
      COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_MASTER_KEY: randomBytes(32).toString("base64"),
      COUNTERSIGN_API_KEY_PEPPER: randomBytes(32).toString("base64"),
      ...env,
    },
  });
}

/** The statuses of `GET /metrics` on the HTTP listener and on one of its own, without and with the token. */
async function answers(config: Config): Promise<readonly (readonly [string, number, number])[]> {
  const node = await createNode(config, pino({ level: "silent" }));
  try {
    node.serve();
    const doors = { http: node.httpAddress, own: node.metricsAddress };
    return await Promise.all(
      Object.entries(doors).flatMap(([door, address]) =>
        address === undefined ? [] : [askBoth(door, address)],
      ),
    );
  } finally {
    await node.stop();
  }
}

async function askBoth(door: string, address: string): Promise<readonly [string, number, number]> {
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`http://${address}/metrics`, { headers })).status;
  return [door, await ask({}), await ask({ authorization: `Bearer ${token}` })];
}

test("in production they are nowhere, unless a token or a listener is configured for them", async () => {
  assert.deepEqual(await answers(production()), [["http", 404, 404]]);
  assert.deepEqual(await answers(production({ COUNTERSIGN_METRICS_TOKEN: token })), [["http", 401, 200]]);
  const listen = { COUNTERSIGN_METRICS_LISTEN: "127.0.0.1:0" };
  assert.deepEqual(await answers(production(listen)), [
    ["http", 404, 404],
    ["own", 200, 200],
  ]);
  assert.deepEqual(await answers(production({ ...listen, COUNTERSIGN_METRICS_TOKEN: token })), [
    ["http", 404, 404],
    ["own", 401, 200],
  ]);
});

test("a token that can be guessed stops the start", () => {
  for (const weak of ["short", "change-me-change-me-change-me"])
    assert.match(
      configProblems(production({ COUNTERSIGN_METRICS_TOKEN: weak })).join(),
      /metrics\.token can be guessed/,
    );
});

test("a histogram is what Prometheus makes of one", async () => {
  const durations = new Durations();
  for (const seconds of [0, 0.0005, 0.0006, 0.2, 31]) durations.add(seconds);
  const histogram = new DurationsHistogram({
    name: "d",
    help: "h",
    labelNames: ["p"],
    read: () => [[{ p: "/a" }, durations]],
  });
  const { values } = await histogram.get();
  const buckets = Object.fromEntries(
    values
      .filter(({ metricName }) => metricName === "d_bucket")
      .map(({ labels, value }) => [(labels as { le: string | number }).le, value]),
  );
  assert.deepEqual(
    [buckets["0.0005"], buckets["0.001"], buckets["0.1"], buckets["0.25"], buckets["30"], buckets["+Inf"]],
    [2, 3, 3, 4, 4, 5],
  );
  assert.equal(Object.keys(buckets).length, callBuckets.length + 1);
  assert.equal(values.find(({ metricName }) => metricName === "d_sum")?.value, 0.0005 + 0.0006 + 0.2 + 31);
});

/** The samples of this program's own metrics, by name and labels. */
async function samples(address: string): Promise<Readonly<Record<string, number>>> {
  const headers = { authorization: `Bearer ${token}` };
  const text = await (await fetch(`http://${address}/metrics`, { headers })).text();
  const lines = text.split("\n").filter((line) => line.startsWith("countersign_"));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

test("limits, logins, bad credentials, Redis and the request log move theirs", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const config = production({ COUNTERSIGN_METRICS_TOKEN: token, COUNTERSIGN_REDIS_URL: redis.url });
  const node = await createNode(
    {
      ...config,
      auth: { ...config.auth, limits: { ...config.auth.limits, shared_addresses: ["192.0.2.1"] } },
      limits: {
        each: { per: "address", kind: "rate", limit: 3, window: "1h", methods: undefined },
      },
    },
    pino({ level: "silent" }),
  );
  t.after(() => node.stop());
  node.serve();
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`http://${node.httpAddress}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  for (let n = 0; n < 5; n += 1)
    await post("/auth.v1.AuthService/Login", { username: `nobody${n}`, password: "not this one" });
  for (let n = 0; n < 320; n += 1)
    await post("/auth.v1.AuthService/WhoAmI", {}, { "x-api-key": `cs_live_${n}` });
  let seen = await samples(node.httpAddress);
  const moved = (name: string): number => seen[name] ?? 0;
  assert.equal(moved('countersign_limits_total{limit="each",kind="rate",outcome="allowed"}'), 3);
  assert.equal(moved('countersign_limits_total{limit="each",kind="rate",outcome="limited"}'), 2);
  assert.equal(moved('countersign_logins_total{outcome="LOGIN_FAILED"}'), 3);
  assert.equal(moved('countersign_logins_total{outcome="RATE_LIMITED"}'), 2);
  assert.equal(moved("countersign_credentials_throttled_total"), 20);
  assert.ok(moved('countersign_redis_commands_total{outcome="ok"}') >= 5);
  assert.equal(
    moved("countersign_redis_command_duration_seconds_count"),
    moved('countersign_redis_commands_total{outcome="ok"}'),
  );
  assert.equal(seen["countersign_redis_away"], 0);
  const deadline = performance.now() + 5000;
  while (moved("countersign_requests_written_total") < 325) {
    assert.ok(performance.now() < deadline, "the request log is written");
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen = await samples(node.httpAddress);
  }
  assert.equal(moved("countersign_requests_failures_total"), 0);
  await redis.stop();
  await post("/auth.v1.AuthService/Login", { username: "nobody", password: "not this one" });
  seen = await samples(node.httpAddress);
  assert.equal(seen["countersign_redis_away"], 1);
  assert.equal(moved('countersign_limits_total{limit="each",kind="rate",outcome="unavailable"}'), 1);
  assert.ok(moved('countersign_redis_commands_total{outcome="unavailable"}') >= 1);
});

test("no caller makes a label", () => {
  const counts = new CallCounts();
  counts.serve(["/a.B/C"]);
  const denial = { reason: "API_KEY_INVALID", message: "", challenges: [] } as const;
  for (let n = 0; n < 100; n += 1)
    counts.ended({
      call: { procedure: `/made.Up/Name${n}` },
      code: 16,
      durationMs: 1,
      denial,
      reason: denial.reason,
    });
  assert.deepEqual([...counts.procedures.keys()], ["/a.B/C", "other"]);
  assert.equal(counts.procedures.get("other")?.codes[16], 100);
});
