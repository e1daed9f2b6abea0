import { deepEqual, equal, ok } from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { DescMessage } from "@bufbuild/protobuf";
import * as services from "countersign/service";
import { type PostgresServer, startPostgres } from "../tools/postgres-server.ts";
import { type RedisServer, startRedis } from "../tools/redis-server.ts";
import { Scene } from "./audited-rpcs.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import { http } from "./door.ts";
import { scratchFolder } from "./scratch.ts";
import { issuerWithSecret, useEverySecret } from "./secret-flows.ts";
import {
  type ConfiguredSecret,
  publicFields,
  publicName,
  secretFields,
  secretSettings,
  secretSound,
} from "./secret-kinds.ts";
import { tablesOf, valuesOf } from "./secret-places.ts";
import { named, sweep } from "./secret-sweep.ts";
import { runProgram, type ServerProcess, startServer } from "./server-process.ts";

// What observation.test.ts does with SQLite, with everything else that keeps something: PostgreSQL and Redis.

/** `LoginRequest.password`: every text and all bytes in a message of any service. */
function textFields(): readonly string[] {
  const seen = new Set<string>();
  const fields: string[] = [];
  const visit = ({ typeName, fields: own }: DescMessage): void => {
    if (seen.has(typeName)) return;
    seen.add(typeName);
    for (const field of own) {
      if (field.message !== undefined) visit(field.message);
      else if (field.scalar === 9 || field.scalar === 12)
        fields.push(`${typeName.slice(typeName.lastIndexOf(".") + 1)}.${field.name}`);
    }
  };
  for (const each of Object.values(services)) {
    if (typeof each !== "object" || !("kind" in each) || each.kind !== "service") continue;
    for (const { input, output } of each.methods) for (const message of [input, output]) visit(message);
  }
  return fields;
}

describe("the list of secrets", () => {
  it("has every member of a message that sounds like one", () => {
    const fields = textFields();
    ok(fields.length > 100);
    const forgotten = fields.filter((field) => {
      const name = field.slice(field.indexOf(".") + 1);
      const isPublic = publicFields.has(field) || (publicName.test(name) && !secretFields.has(field));
      return secretSound.test(name) && !secretFields.has(field) && !isPublic;
    });
    deepEqual(forgotten, [], "secret-kinds.ts says what these are");
    deepEqual(
      [...secretFields, ...publicFields.keys()].filter((field) => !fields.includes(field)),
      [],
    );
  });

  it("has every setting that is one", () => {
    const page = readFileSync(new URL("../docs/configuration.md", import.meta.url), "utf8");
    const settings = Array.from(page.matchAll(/^\| `(\S+)` \|.*\(a secret: /gm), ([, name]) => name);
    deepEqual(settings.sort(), [...secretSettings].sort());
  });
});

const secret = (): string => randomBytes(32).toString("base64url");
const { privateKey } = generateKeyPairSync("ed25519");
const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));

const config = `
limits:
  each: { per: user, limit: 100000, window: 1h }
auth:
  jwt: { algorithm: EdDSA, private_key: { env: JWT_PRIVATE_KEY } }
  development_key: { env: DEVELOPMENT_KEY }
  api_keys:
    previous_peppers: [{ id: p0, pepper: { env: EARLIER_PEPPER } }]
    static: [{ name: reports, key: { env: STATIC_KEY }, permissions: ["users:list"] }]
  issuers:
    ${issuerWithSecret}
    - name: nowhere
      kind: introspection
      issuer: http://127.0.0.1:2
      allow_loopback: true
      audience: us
      authorization: { env: ISSUER_HEADER }
      introspection_endpoint: http://127.0.0.1:2/introspect
      prefix: "other_"
`;

describe("secrets, with PostgreSQL and Redis", () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let database: string;
  let server: ServerProcess;
  let client: Client;
  let scene: Scene;
  let configured: Readonly<Record<ConfiguredSecret, string>>;
  const spanFile = join(scratchFolder(), "spans.ndjson");

  before(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    database = await postgres.createDatabase();
    configured = {
      "the database's password": decodeURIComponent(new URL(postgres.url()).password),
      "the password of Redis": decodeURIComponent(new URL(redis.url).password),
      "the master key": secret(),
      "the secret of tokens": secret(),
      "the private key of tokens": pem.split("\n")[1] ?? "",
      "the pepper": secret(),
      "an earlier pepper": secret(),
      "a static key": secret(),
      "an issuer's client secret": secret(),
      "an issuer's header": `Bearer ${secret()}`,
      "the development key": secret(),
      "the metrics token": secret(),
    };
    server = await startServer({ config, signing: "managed", env: environment(), nodeArguments });
    client = await grpcJs.connect(server.grpc);
    const password = server.users.find(({ username }) => username === "admin")?.password ?? "";
    const body = { username: "admin", password };
    const { json } = await http(server, "/auth.v1.AuthService/Login", { body });
    scene = new Scene(server, String(json["access_token"]));
  });
  after(async () => {
    await client?.close();
    await server?.stop();
    await Promise.all([postgres?.stop(), redis?.stop()]);
  });

  const nodeArguments = ["--import", fileURLToPath(new URL("span-file.ts", import.meta.url))];
  const environment = () => ({
    COUNTERSIGN_LOG_LEVEL: "debug",
    COUNTERSIGN_DATABASE_URL: postgres.url(database),
    COUNTERSIGN_REDIS_URL: redis.url,
    COUNTERSIGN_MASTER_KEY: configured["the master key"],
    COUNTERSIGN_API_KEY_PEPPER: configured["the pepper"],
    COUNTERSIGN_METRICS_TOKEN: configured["the metrics token"],
    JWT_PRIVATE_KEY: pem,
    DEVELOPMENT_KEY: configured["the development key"],
    EARLIER_PEPPER: configured["an earlier pepper"],
    STATIC_KEY: configured["a static key"],
    CLIENT_SECRET: configured["an issuer's client secret"],
    ISSUER_HEADER: configured["an issuer's header"],
    SPAN_FILE: spanFile,
  });

  it("are in no table, no value, no log, no file, no metric, no trace and no process list", async () => {
    const staticKey = configured["a static key"];
    const metricsToken = configured["the metrics token"];
    const used = await useEverySecret({ scene, client, staticKey, metricsToken, ownSigning: true });
    const developer = await http(server, "/auth.v1.AuthService/WhoAmI", {
      headers: { "x-api-key": configured["the development key"] },
    });
    equal(developer.status, 200, developer.text);
    await until(5000, "the request log", async () => {
      const [row] = await postgres.query("select count(*) as rows from request_log", database);
      return Number(row?.["rows"]) > 100;
    });
    // A secret of tokens stands beside no private key: what is said about such a configuration is looked at here.
    const doctor = await runProgram(["doctor", "-o", "json"], {
      deadlineMs: 60_000,
      env: {
        COUNTERSIGN_DATABASE_URL: postgres.url(database),
        COUNTERSIGN_REDIS_URL: redis.url,
        COUNTERSIGN_MASTER_KEY: configured["the master key"],
        COUNTERSIGN_API_KEY_PEPPER: configured["the pepper"],
        COUNTERSIGN_JWT_SECRET: configured["the secret of tokens"],
      },
    });
    const { text } = await http(server, "/metrics", { method: "GET", token: metricsToken });
    const tables = await tablesOf(postgres, database);
    ok(Object.keys(tables).length > 25);
    const values = await valuesOf(redis);
    ok(Object.keys(values).length > 1, "limits are counted in Redis");
    equal(existsSync(server.data), false, "nothing is left in files");
    const places = {
      ...tables,
      ...values,
      log: Buffer.from(server.stderr()),
      metrics: Buffer.from(text),
      traces: readFileSync(spanFile),
      doctor: Buffer.from(doctor.stdout + doctor.stderr),
      "/proc/PID/cmdline": readFileSync(`/proc/${server.pid}/cmdline`),
    };
    for (const place of ["log", "metrics", "traces", "doctor"] as const)
      ok(places[place].length > 100, `${place} is empty`);
    deepEqual(sweep({ ...configured, ...named(used) }, places), []);
    // The sweep finds what is there: in a table, in a value and in bytes.
    const [value = ""] = Object.keys(values).filter((name) => name !== "Redis, the keys");
    const planted = { "in a table": "revoked_reason canary", "in Redis": value.slice("Redis ".length) };
    await postgres.query("create table planted (content bytea)", database);
    await postgres.query("insert into planted values ('revoked_reason canary'::bytea)", database);
    const again = { ...(await tablesOf(postgres, database)), ...values };
    deepEqual(
      [...new Set(sweep(planted, again).map(({ secret: name, place }) => `${name}: ${place}`))],
      ["in a table: PostgreSQL public.planted", "in Redis: Redis, the keys"],
    );
  });
});
