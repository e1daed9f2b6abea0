import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { postgresPassword, startPostgres } from "../../../tools/postgres-server.ts";
import { loadConfig } from "../src/config/config.ts";
import { configProblems } from "../src/config/production-checks.ts";
import {
  bad,
  type ErrorJson,
  good,
  json,
  type KeyJson,
  run,
  scratchFolder,
  type UserJson,
} from "./program.ts";

const server = await startPostgres({ durable: true });
after(() => server.stop());

const random = "vT7q2LkX0cR9sNfB4wYhJ8mZpD3uGeA6";
const secrets = {
  COUNTERSIGN_JWT_SECRET: random,
  COUNTERSIGN_API_KEY_PEPPER: `${random}p`,
  COUNTERSIGN_MASTER_KEY: `${random}m`,
};
const place = scratchFolder();
const at = (url: string) => ({ folder: place, env: { ...secrets, COUNTERSIGN_DATABASE_URL: url } });

interface Checked {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly config: { readonly database: { readonly url: string } };
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

test("commands work on the database that is named, by a variable or by a file", async () => {
  const url = server.url(await server.createDatabase());
  const options = at(url);
  assert.match(await bad(1, ["users", "list"], options), /has no tables of Countersign's; start the server/);
  const { user } = await json<{ user: UserJson }>(["users", "create", "ada", "--superuser"], options);
  assert.equal(user.id, "1");
  const made = await json<{ api_key: KeyJson }>(["keys", "create", "--user", "ada", "--name", "ci"], options);
  await good(["keys", "revoke", made.api_key.id], options);
  const folder = scratchFolder();
  writeFileSync(join(folder, "url"), `${url}\n`);
  writeFileSync(join(folder, "countersign.yaml"), "database: { url: { file: url } }\n");
  const listed = await json<{ users: readonly UserJson[] }>(["users", "list"], { folder, env: secrets });
  assert.deepEqual(
    listed.users.map(({ username }) => username),
    ["ada"],
  );
});

test("config check says that it is set, and what is wrong with it", async () => {
  const checked = await json<Checked>(["config", "check"], at(server.url()));
  assert.deepEqual([checked.ok, checked.config.database.url], [true, "set"]);
  const problems = (url: string): string => {
    const env = { ...secrets, COUNTERSIGN_DATABASE_URL: url };
    const text = configProblems(loadConfig({ env, environment: "production" })).join("; ");
    assert.ok(!text.includes("hunter2"));
    return text;
  };
  assert.match(problems("postgres://ada:hunter2@db.example.org/app"), /says nothing of TLS: add sslmode=/);
  assert.match(
    problems("postgres://ada:hunter2@db.example.org/app?sslmode=prefer"),
    /database\.url: sslmode is one of/,
  );
  assert.match(problems("ada:hunter2@db"), /database\.url: a PostgreSQL URL is like/);
  for (const fine of [
    "postgres://ada:hunter2@db.example.org/app?sslmode=verify-full",
    "postgres://ada:hunter2@db.example.org/app?sslmode=disable",
    "postgres://ada:hunter2@127.0.0.1/app",
    "postgres://ada:hunter2@[::1]/app",
    "postgres:///app?host=/run/postgresql",
  ])
    assert.equal(problems(fine), "", fine);
});

test("doctor looks at the server, its clock, its schema, and whether it keeps what it acknowledges", async () => {
  const name = await server.createDatabase();
  const options = at(server.url(name));
  const look = async (more = options) => {
    const ran = await run(["doctor", "-o", "json"], more);
    assert.ok(!ran.stdout.includes(postgresPassword) && !ran.stdout.includes("only-for-tests"));
    const { checks } = JSON.parse(ran.stdout) as Checked;
    return (name: string) => checks.find((check) => check.name === name);
  };
  const empty = await look();
  assert.equal(empty("schema")?.status, "warn");
  assert.deepEqual(await server.query("select 1 from pg_tables where schemaname = 'public'", name), []);
  await good(["users", "create", "ada", "--superuser"], options);
  const find = await look();
  assert.match(
    find("database")?.detail ?? "",
    /^postgres:\/\/127\.0\.0\.1:\d+\/test\w+ answers: PostgreSQL 1\d\./,
  );
  for (const check of ["durability", "latency", "clocks", "schema", "superuser"])
    assert.equal(find(check)?.status, "ok", check);
  assert.equal(find("data folder"), undefined);
  await server.query("insert into countersign_schema values (99, 'newer', 0)", name);
  assert.match((await look())("schema")?.detail ?? "", /^version 99, and this program knows/);
  const away = at(server.url(name).replace(String(server.port), "1"));
  assert.match(
    (await look(away))("database")?.detail ?? "",
    /cannot be reached; see that PostgreSQL runs there/,
  );
});

test("a start on a database that is away, or newer, ends in one line", async () => {
  const away = at("postgres://ada:hunter2@127.0.0.1:1/app");
  assert.match(
    await bad(1, ["serve"], away),
    /^countersign: database postgres:\/\/127\.0\.0\.1:1\/app: it cannot be reached/,
  );
  const told = JSON.parse(await bad(1, ["users", "list", "-o", "json"], away)) as ErrorJson;
  assert.equal(told.error.status, "UNAVAILABLE");
  const name = await server.createDatabase();
  await good(["users", "create", "ada"], at(server.url(name)));
  await server.query("insert into countersign_schema values (99, 'newer', 0)", name);
  assert.match(await bad(1, ["serve"], at(server.url(name))), /has schema version 99 and this program knows/);
});
