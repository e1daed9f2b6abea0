import { deepEqual, equal, match, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as services from "countersign/service";
import { type AuditedRpc, type RpcKind, rpcs, Scene } from "./audited-rpcs.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import { http } from "./door.ts";
import type { Json } from "./protos.ts";
import { scratchFolder } from "./scratch.ts";
import { issuerWithSecret, useEverySecret } from "./secret-flows.ts";
import { filesIn, named, sweep } from "./secret-sweep.ts";
import { runProgram, type ServerProcess, startServer } from "./server-process.ts";

// One program, watched from every side: its audit log, its metrics, its traces, its log, and all that it leaves behind.

const secret = (): string => randomBytes(32).toString("base64url");
const configured = {
  "the master key": secret(),
  "the pepper": secret(),
  "a static key": secret(),
  "the metrics token": secret(),
  "an issuer's client secret": secret(),
};
const {
  "the master key": masterKey,
  "the pepper": pepper,
  "a static key": staticKey,
  "the metrics token": metricsToken,
  "an issuer's client secret": clientSecret,
} = configured;
const spanFile = join(scratchFolder(), "spans.ndjson");
const traceId = "0af7651916cd43dd8448eb211c80319c";
const config = `
limits:
  each: { per: user, limit: 100000, window: 1h }
auth:
  api_keys:
    static: [{ name: reports, key: { env: STATIC_KEY }, permissions: ["users:list"] }]
  issuers:
    ${issuerWithSecret}
`;

let server: ServerProcess;
let client: Client;
let scene: Scene;
before(async () => {
  server = await startServer({
    config,
    signing: "managed",
    nodeArguments: ["--import", fileURLToPath(new URL("span-file.ts", import.meta.url))],
    env: {
      COUNTERSIGN_LOG_LEVEL: "debug",
      COUNTERSIGN_MASTER_KEY: masterKey,
      COUNTERSIGN_API_KEY_PEPPER: pepper,
      COUNTERSIGN_METRICS_TOKEN: metricsToken,
      STATIC_KEY: staticKey,
      CLIENT_SECRET: clientSecret,
      SPAN_FILE: spanFile,
    },
  });
  client = await grpcJs.connect(server.grpc);
  const password = server.users.find(({ username }) => username === "admin")?.password;
  const path = "/auth.v1.AuthService/Login";
  const { json } = await http(server, path, { body: { username: "admin", password: password ?? "" } });
  scene = new Scene(server, String(json["access_token"]));
});
after(async () => {
  await client?.close();
  await server?.stop();
});

interface Row {
  readonly sequence: string;
  readonly actor: string;
  readonly action: string;
  readonly address: string;
  readonly authenticator: string;
}

/** The newest audit rows, oldest first. */
async function rowsAfter(sequence: number): Promise<readonly Row[]> {
  const answer = await scene.call("/auth.v1.AuditService/ListAudit", { page_size: 20 });
  const rows = answer["records"] as readonly Row[];
  return rows.filter((row) => Number(row.sequence) > sequence).reverse();
}

async function lastRow(): Promise<number> {
  return Number((await rowsAfter(0)).at(-1)?.sequence ?? 0);
}

function beside<T>(work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(server.data, "countersign.db"), { timeout: 5000 });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Everything that an administrative change can change. */
function everything(): unknown {
  const queries = [
    "select id, username, email, is_active, is_staff, is_superuser, password_hash, attributes from users",
    "select id, name, description, scopes, roles, expires_at, disabled_at, revoked_at, replaced_by from api_keys",
    ...["roles", "user_roles", "linked_identities", "former_identities", "signing_keys", "tenants"].map(
      (table) => `select * from ${table}`,
    ),
    "select key_id, fingerprint, imported_at from imported_keys",
    "select id, revoked_at from sessions",
    "select user_id, confirmed_at from totp",
    "select * from recovery_codes",
    "select * from revocation_log",
    "select * from audit_log",
  ];
  return beside((database) => queries.map((query) => database.prepare(query).all()));
}

const full =
  "create trigger full before insert on audit_log begin select raise(abort, 'the disk is full'); end";

describe("the audit log", () => {
  it("has been asked about every RPC of every service", () => {
    const all = Object.values(services).flatMap((each) =>
      typeof each === "object" && "kind" in each && each.kind === "service" ? [each] : [],
    );
    ok(all.length >= 8);
    deepEqual(
      Object.entries(rpcs)
        .flatMap(([service, methods]) => Object.keys(methods).map((name) => `${service}.${name}`))
        .sort(),
      // A part of a service may stand for itself.
      [
        ...new Set(all.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}.${name}`))),
      ].sort(),
    );
  });

  const audited = Object.entries(rpcs).flatMap(([service, methods]) =>
    Object.entries(methods).flatMap(([name, kind]: [string, RpcKind]): [string, AuditedRpc][] =>
      typeof kind === "object" && "ask" in kind ? [[`/${service}/${name}`, kind]] : [],
    ),
  );
  for (const [path, { ask, actions }] of audited) {
    it(`${path} writes its rows, and changes nothing where it cannot`, async () => {
      const { request, token = scene.admin } = await ask(scene);
      beside((database) => database.exec(full));
      try {
        const before = everything();
        const { status } = await http(server, path, { body: request, token });
        ok(status >= 500, `${path} answered ${status}`);
        deepEqual(everything(), before, "no audit row, no change");
      } finally {
        beside((database) => database.exec("drop trigger full"));
      }
      const last = await lastRow();
      // One that ends the caller's own session may not be asked again with its token: it was not changed, so it may.
      await scene.call(path, request, token);
      const rows = await rowsAfter(last);
      deepEqual([...new Set(rows.map(({ action }) => action))], actions);
      for (const { address, authenticator } of rows) {
        match(address, /^127\.0\.0\.1:\d+$/);
        equal(authenticator, "jwt");
      }
    });
  }

  it("is as it was written, sealed from its first row on, and says so to whoever may ask", async () => {
    const outcome = await client.call({
      procedure: "/auth.v1.AuditService/VerifyAudit",
      requests: [{}],
      headers: [["authorization", `Bearer ${scene.admin}`]],
    });
    const verdict = outcome.answers.at(-1)?.["verdict"] as Json;
    deepEqual([verdict["fault"], verdict["sealed_from"]], ["", "1"]);
    equal(Number(verdict["head_sequence"]), await lastRow());
    const { status } = await http(server, "/auth.v1.AuditService/ListAudit", {
      token: (await scene.session()).token,
    });
    equal(status, 403);
  });
});

describe("countersign audit", () => {
  const keys = { COUNTERSIGN_MASTER_KEY: masterKey, COUNTERSIGN_API_KEY_PEPPER: pepper };
  const audit = (args: readonly string[], env: Readonly<Record<string, string>>, data = server.data) =>
    runProgram(["audit", ...args], { deadlineMs: 60_000, env, data });

  it("lists, exports and checks through a server", async () => {
    const env = { COUNTERSIGN_TOKEN: scene.admin };
    const at = ["--server", server.grpc];
    const listed = await audit(["list", "--action", "user.created", "--since", "1h", ...at], env);
    equal(listed.code, 0, listed.stderr);
    match(listed.stdout, /^NUMBER +AT +ACTOR +ACTION +TARGETS +WHAT\n\d+ +\S+Z +1 +user\.created +user:\d+/);
    const csv = await audit(["export", "--format", "csv", ...at], env);
    match(csv.stdout, /^sequence,at,actor,.*,hash,sealed_with,tenant\r\n1,20/);
    equal(csv.stdout.trim().split("\r\n").length, (await lastRow()) + 1);
    const verified = await audit(["verify", ...at], env);
    match(
      verified.stdout,
      /^\d+ records are as they were written, and sealed from record 1 on\.\nAnchor: \d+:[0-9a-f]{64}\n$/,
    );
    const [, anchor = ""] = /Anchor: (\S+)/.exec(verified.stdout) ?? [];
    const again = await audit(["verify", "--anchor", anchor, "-o", "json"], keys);
    equal((JSON.parse(again.stdout) as { verdict: Json }).verdict["fault"], "", again.stderr);
  });

  it("names the first record that somebody with the database has changed", async () => {
    const data = scratchFolder();
    beside((database) => database.exec(`vacuum into '${join(data, "countersign.db")}'`));
    const copy = new DatabaseSync(join(data, "countersign.db"));
    copy.exec("drop trigger audit_log_no_update; update audit_log set actor = '9' where sequence = 7");
    copy.close();
    const broken = await audit(["verify"], keys, data);
    equal(broken.code, 1);
    match(broken.stderr, /^countersign: the audit log is broken at record 7: it is not what was written/);
    const { COUNTERSIGN_API_KEY_PEPPER } = keys;
    const options = { deadlineMs: 60_000, data, env: { COUNTERSIGN_API_KEY_PEPPER } };
    const unsealed = await runProgram(["users", "disable", "sam"], options);
    match(
      unsealed.stderr,
      /^countersign: the audit log is sealed with a master key that this process does not have/,
    );
  });
});

/** The lines of one metric, by their labels. */
async function metric(name: string): Promise<Readonly<Record<string, number>>> {
  const { text } = await metrics();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels = "", value = ""] = /^[^{]+\{(.*)\} (\S+)$/.exec(line) ?? [];
      return [labels, Number(value)];
    }),
  );
}

function metrics(token = metricsToken) {
  return http(server, "/metrics", { method: "GET", token });
}

function grown(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  const changes = Object.entries(after).map(([labels, value]) => [labels, value - (before[labels] ?? 0)]);
  return Object.fromEntries(changes.filter(([, by]) => by !== 0)) as Readonly<Record<string, number>>;
}

describe("metrics", () => {
  it("are told to whoever has the token", async () => {
    equal((await metrics("")).status, 401);
    equal((await metrics(`${metricsToken}x`)).status, 401);
    equal((await http(server, "/metrics", { token: metricsToken })).status, 405);
    const { status, headers, text } = await metrics();
    deepEqual([status, headers.get("content-type")], [200, "text/plain; version=0.0.4; charset=utf-8"]);
    for (const line of text.trim().split("\n"))
      match(line, /^(# (HELP|TYPE) \S+ .+|\w+(\{(\w+="[^"]*",?)*\})? (-?[\d.e+-]+|NaN|\+Inf)|)$/);
  });

  it("equal what two clients have counted, exactly", async () => {
    const before = [await metric("countersign_decisions_total"), await metric("countersign_calls_total")];
    const tally = { ok: 0, missing: 0, invalid: 0, forbidden: 0 };
    const key = ["x-api-key", server.apiKey] as const;
    for (let n = 0; n < 200; n += 1) {
      const [procedure, headers, kind] = (
        [
          ["/api.users.UserService/UpdateProfile", [key], "ok"],
          ["/api.users.UserService/UpdateProfile", [], "missing"],
          ["/api.users.UserService/UpdateProfile", [["x-api-key", "cs_nonsense"]], "invalid"],
          ["/api.users.UserService/ListAllUsers", [key], "forbidden"],
        ] as const
      )[n % 4] ?? ["", [], "ok"];
      tally[kind] += 1;
      if (n % 3 === 0) await http(server, procedure, { headers: Object.fromEntries(headers) });
      else await client.call({ procedure, requests: [{}], headers: [...headers] });
    }
    // A status is counted when the handler has ended, and the client may know before.
    await until(5000, "the last call to be counted", async () => {
      const calls = grown(before[1] ?? {}, await metric("countersign_calls_total"));
      return Object.values(calls).reduce((sum, count) => sum + count, 0) === 200;
    });
    deepEqual(grown(before[0] ?? {}, await metric("countersign_decisions_total")), {
      'result="allowed",reason="",authenticator="api_key"': tally.ok,
      'result="refused",reason="CREDENTIALS_MISSING",authenticator=""': tally.missing,
      'result="refused",reason="API_KEY_INVALID",authenticator="api_key"': tally.invalid,
      'result="refused",reason="PERMISSION_DENIED",authenticator="api_key"': tally.forbidden,
    });
    deepEqual(grown(before[1] ?? {}, await metric("countersign_calls_total")), {
      'procedure="/api.users.UserService/UpdateProfile",code="OK"': tally.ok,
      'procedure="/api.users.UserService/UpdateProfile",code="UNAUTHENTICATED"':
        tally.missing + tally.invalid,
      'procedure="/api.users.UserService/ListAllUsers",code="PERMISSION_DENIED"': tally.forbidden,
    });
  });

  it("have no more labels whatever a caller sends", async () => {
    const labels = async () => Object.keys(await metric("countersign_calls_total")).sort();
    const before = await labels();
    for (let n = 0; n < 20; n += 1)
      await http(server, `/api.users.UserService/Made${n}`, { headers: { "x-api-key": "x".repeat(n) } });
    deepEqual(await labels(), before);
  });

  it("are all that the dashboard asks for", async () => {
    const path = new URL("../docs/grafana/countersign.json", import.meta.url);
    const dashboard = readFileSync(path, "utf8");
    const { text } = await metrics();
    const asked = new Set(dashboard.match(/\b(countersign|nodejs|process)_[a-z0-9_]+/g) ?? []);
    ok(asked.size > 15);
    // What is told of a part that this program has none of (Redis) has a name and no value.
    const there = new Set(Array.from(text.matchAll(/^(?:# HELP )?(\w+)/gm), ([, name]) => name));
    for (const [, name] of text.matchAll(/^# TYPE (\w+) histogram$/gm)) there.add(`${name}_bucket`);
    deepEqual(
      [...asked].filter((name) => !there.has(name)),
      [],
    );
  });
});

describe("secrets", () => {
  it("are in no log, no file, no metric, no trace, no audit row and no process list", async () => {
    const used = await useEverySecret({ scene, client, staticKey, metricsToken });
    const secrets = { ...configured, ...named(used) };
    const { text } = await metrics();
    const exported = await client.call({
      procedure: "/auth.v1.AuditService/ExportAudit",
      requests: [{}],
      headers: [["authorization", `Bearer ${scene.admin}`]],
    });
    const places = {
      ...filesIn(server.data),
      log: Buffer.from(server.stderr()),
      metrics: Buffer.from(text),
      traces: readFileSync(spanFile),
      audit: Buffer.from(exported.answers.map(({ data }) => String(data)).join("")),
      "/proc/PID/cmdline": readFileSync(`/proc/${server.pid}/cmdline`),
    };
    equal(existsSync(join(server.data, "development-secrets.json")), false);
    for (const [place, content] of Object.entries(places)) {
      ok(place.endsWith("-shm") || place.endsWith("-wal") || content.length > 0, `${place} is empty`);
    }
    deepEqual(sweep(secrets, places), []);
    const seen = sweep({ canary: "sung by a canary" }, places).map(({ place }) => place);
    ok(seen.includes("audit"), "the sweep finds what is there");
    for (const line of server.stderr().trim().split("\n")) JSON.parse(line);
  });

  it("of a database that cannot be reached stay out of what is said about it", async () => {
    const password = secret();
    const url = `postgres://someone:${password}@127.0.0.1:1/nothing`;
    for (const args of [["serve"], ["audit", "verify"]]) {
      const env = {
        COUNTERSIGN_DATABASE_URL: url,
        COUNTERSIGN_MASTER_KEY: masterKey,
        COUNTERSIGN_API_KEY_PEPPER: pepper,
      };
      const ran = await runProgram(args, { deadlineMs: 30_000, env });
      ok(ran.code !== 0);
      deepEqual(sweep({ password, url }, { all: Buffer.from(ran.stdout + ran.stderr) }), []);
    }
  });
});

describe("traces", () => {
  it("continue the caller's, and name the call and how it ended", async () => {
    await http(server, "/api.users.UserService/UpdateProfile", {
      headers: { "x-api-key": server.apiKey, traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    const spans = readFileSync(spanFile, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    const mine = spans.filter((span) => span["traceId"] === traceId);
    deepEqual(
      mine.map(({ name, parent }) => [name, parent]),
      [["api.users.UserService/UpdateProfile", "b7ad6b7169203331"]],
    );
    const attributes = mine[0]?.["attributes"] as Json;
    deepEqual([attributes["rpc.grpc.status_code"], attributes["countersign.authenticator"]], [0, "api_key"]);
  });

  it("are named in what is said about a refusal", async () => {
    await http(server, "/api.users.UserService/UpdateProfile", {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    await until(5000, "the line about the refusal", async () =>
      server
        .stderr()
        .split("\n")
        .some((line) => line.includes(traceId) && line.includes('"reason":"CREDENTIALS_MISSING"')),
    );
  });
});
