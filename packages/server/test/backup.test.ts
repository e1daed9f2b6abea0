import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { startPostgres } from "../../../tools/postgres-server.ts";
import { csvLine } from "../src/terminal/csv.ts";
import {
  bad,
  type DevServer,
  good,
  json,
  type KeyJson,
  run,
  scratchFolder,
  startDev,
  until,
} from "./program.ts";

const server = await startPostgres();
after(() => server.stop());

interface BackupJson {
  readonly rows: number;
  readonly encrypted: boolean;
  readonly tables: Readonly<Record<string, number>>;
  readonly needs: {
    readonly master_key: number;
    readonly peppers: readonly { readonly id: string; readonly keys: number }[];
  };
}

interface RestoreJson {
  readonly rows: number;
  readonly sessions_ended: number;
  readonly keys_still_revoked: number;
}

async function call(dev: DevServer, method: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`http://${dev.http}/auth.v1.AuthService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** A session of the first user. */
async function login(dev: DevServer): Promise<string> {
  const [user] = dev.users;
  const { status, text } = await call(dev, "Login", { username: user?.username, password: user?.password });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { access_token: string }).access_token;
}

test("a backup is made and restored beside a running server, which notices", async () => {
  const folder = scratchFolder();
  const options = { folder };
  const dev = await startDev(folder);
  try {
    const file = join(folder, "all.backup");
    const token = await login(dev);
    const whoAmI = (bearer: string) => call(dev, "WhoAmI", {}, { authorization: `Bearer ${bearer}` });
    assert.equal((await whoAmI(token)).status, 200);
    const made = await json<{ api_key: KeyJson }>(["keys", "create", "--user", "1", "--name", "ci"], options);
    const backup = await json<BackupJson>(["backup", file, "--passphrase-stdin"], {
      folder,
      input: "a b c\n",
    });
    assert.deepEqual([backup.encrypted, backup.tables["sessions"], backup.needs.master_key], [true, 1, 1]);
    assert.deepEqual(backup.needs.peppers, [{ id: "p1", keys: 2 }]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await good(["keys", "revoke", made.api_key.id], options);
    assert.match(
      await bad(1, ["backup", file, "--passphrase-stdin"], { folder, input: "x" }),
      /is there already: --force/,
    );
    assert.match(
      await bad(1, ["restore", file, "--passphrase-stdin"], { folder, input: "a b c" }),
      /holds data already: --force/,
    );
    const wrong = await bad(1, ["restore", file, "--force", "--passphrase-stdin"], {
      folder,
      input: "wrong",
    });
    assert.match(wrong, /the passphrase is not the one .* \(DATA_LOSS\)$/);
    assert.match(await bad(2, ["restore", file, "--force"], options), /a passphrase is needed/);
    writeFileSync(join(folder, "passphrase"), "a b c\n");
    const ran = await run(["restore", file, "--force", "--passphrase-file", "passphrase"], options);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /all\.backup, of 20.*: \d+ rows restored\n$/);
    assert.match(
      ran.stderr,
      /(^|\n)1 session ended, and no token .*\nStay as they are: 1 key that was revoked or disabled since\.\nAll else is as it was at /,
    );
    await until(5000, "the server refuses what was issued before", async () => {
      const { status, text } = await whoAmI(token);
      return status === 401 && text.includes("TOKEN_REVOKED");
    });
    // Tokens carry whole seconds.
    await until(
      5000,
      "and admits whoever logs in again",
      async () => (await whoAmI(await login(dev))).status === 200,
    );
    const { api_key: key } = await json<{ api_key: KeyJson }>(["keys", "show", made.api_key.id], options);
    assert.equal(key.status, "revoked");
    assert.doesNotMatch(dev.stderr(), /error|fatal/i);
    const env = { COUNTERSIGN_GRPC_LISTEN: dev.grpc, COUNTERSIGN_HTTP_LISTEN: dev.http };
    assert.equal(await good(["health"], { folder, env }), "it serves\n");
    const nowhere = { COUNTERSIGN_GRPC_LISTEN: dev.grpc, COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:1" };
    assert.match(await bad(1, ["health"], { folder, env: nowhere }), /it does not serve \(UNAVAILABLE\)$/);
  } finally {
    await dev.stop();
  }
});

test("a store on SQLite moves to PostgreSQL, and what was made there still works", async () => {
  const folder = scratchFolder();
  const options = { folder };
  const dev = await startDev(folder);
  const token = await login(dev);
  await dev.stop();
  const file = join(folder, "move.backup");
  await good(["backup", file], options);
  const env = { COUNTERSIGN_DATABASE_URL: server.url(await server.createDatabase()) };
  const moved = await json<RestoreJson>(["restore", file, "--moved"], { folder, env });
  assert.equal(moved.sessions_ended, 0);
  const inspected = await run(["tokens", "inspect", "-"], { folder, env, input: token });
  assert.equal(inspected.code, 0, inspected.stdout + inspected.stderr);
  const back = join(folder, "back.backup");
  await good(["backup", back], { folder, env });
  const other = scratchFolder();
  assert.match(await bad(1, ["restore", back], { folder: other }), /set master_key/);
  const secrets = readFileSync(join(folder, ".countersign/development-secrets.json"), "utf8");
  const { master_key: masterKey } = JSON.parse(secrets) as { master_key: string };
  const withKey = { folder: other, env: { COUNTERSIGN_MASTER_KEY: masterKey } };
  const restored = await json<RestoreJson>(["restore", back], withKey);
  assert.equal(restored.rows, moved.rows + 1, "with the record of the first restore");
  assert.match(await bad(1, ["backup", join(other, "x")], { folder: scratchFolder() }), /no store at/);
  assert.match(await bad(1, ["restore", "absent"], { folder: other }), /cannot read absent \(ENOENT\)/);
  assert.match(await bad(1, ["restore", join(folder, "passphrase-free", "x")], options), /cannot read/);
  const { users } = await json<{ users: readonly { id: string; username: string }[] }>(["users", "list"], {
    folder: other,
  });
  assert.ok(users.length > 0);
});

test("an export has all that people want to know, and nothing secret", async () => {
  const folder = scratchFolder();
  const options = { folder };
  await good(["users", "create", "ada", "--superuser", "--password-stdin"], {
    folder,
    input: "correct horse battery\n",
  });
  await good(["users", "create", "+HYPERLINK"], options);
  const made = await json<{ key: string; api_key: KeyJson }>(
    ["keys", "create", "--user", "ada", "--name", "-1+2"],
    options,
  );
  await good(["keys", "revoke", made.api_key.id, "--reason", 'a, "b"'], options);
  const lines = (await good(["export"], options)).trimEnd().split("\n");
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const kinds = [...new Set(records.map(({ kind }) => kind))];
  assert.deepEqual(
    kinds,
    ["users", "keys", "roles", "audit"].filter((kind) => kinds.includes(kind)),
  );
  const key = records.find(({ kind }) => kind === "keys");
  assert.deepEqual(
    [key?.["id"], key?.["status"], key?.["revoked_reason"]],
    [made.api_key.id, "revoked", 'a, "b"'],
  );
  const all = lines.join("\n");
  for (const secret of ["argon2", "digest", "password_hash", made.key.split("_").at(-1) ?? "?"])
    assert.ok(!all.includes(secret), secret);
  const csv = await good(["export", "--only", "users", "--format", "csv"], options);
  assert.match(csv, /^"id","username",.*\r\n"1","ada",/);
  assert.ok(csv.includes(`"'+HYPERLINK"`));
  const keys = await good(["export", "--only", "keys", "--format", "csv"], options);
  assert.ok(keys.includes(`"'-1+2"`) && keys.includes('"a, ""b"""'));
  assert.match(await bad(2, ["export", "--format", "csv"], options), /csv takes one kind/);
  assert.match(await bad(2, ["export", "--only", "secrets"], options), /--only is one of/);
  assert.ok(!readFileSync(join(folder, ".countersign/countersign.db"), "latin1").includes(made.key));
});

test("no cell of CSV begins like a formula", () => {
  for (const first of ["=", "+", "-", "@", "\t", "\r", "\n"])
    assert.equal(csvLine([`${first}1`]), `"'${first}1"\r\n`);
  assert.equal(csvLine(['a"b', 1, null, undefined, ["x"], true]), '"a""b","1","","","[""x""]","true"\r\n');
});
