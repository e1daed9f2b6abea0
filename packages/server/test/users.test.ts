import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { createPasswords } from "../src/passwords.ts";
import {
  bad,
  type ErrorJson,
  good,
  json,
  openDevStore,
  run,
  scratchFolder,
  type UserJson,
} from "./program.ts";

const folder = scratchFolder();
const at = { folder };

before(async () => {
  const made = await run(["users", "create", "dora", "--email", "dora@example.com", "--superuser"], at);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^id +1\nusername +dora\nemail +dora@example\.com\nstatus +active\n/);
  assert.match(made.stderr, /made a new store, .*countersign\.db/);
  assert.match(made.stderr, /no password yet: countersign users set-password dora/);
});

async function passwordOf(username: string): Promise<string | undefined> {
  const store = await openDevStore(folder);
  try {
    const user = await store.users.findByUsername(username);
    return user && (await store.users.passwordHash(user.id));
  } finally {
    await store.close();
  }
}

test("only users create makes a store", async () => {
  const empty = scratchFolder();
  for (const args of [
    ["users", "list"],
    ["users", "delete", "x", "--yes"],
    ["keys", "create", "--user", "x", "--name", "y"],
    ["tokens", "mint", "--user", "x"],
  ]) {
    const line = await bad(1, args, { folder: empty });
    assert.match(line, /^countersign: no store at .*: start `countersign dev` first, set COUNTERSIGN_DATA/);
  }
  assert.equal(existsSync(join(empty, ".countersign")), false);
});

test("create, list, show and update", async () => {
  const { user } = await json<{ user: UserJson }>(["users", "create", "eli", "--staff"], at);
  assert.deepEqual(
    { ...user, created_at: "", updated_at: "" },
    {
      ...{ id: user.id, username: "eli", email: "", created_at: "", updated_at: "" },
      is_staff: true,
      is_superuser: false,
      is_active: true,
      roles: [],
      tenant: "",
    },
  );
  const text = await good(["users", "list", "--query", "DORA"], at);
  assert.match(
    text,
    /^ID +USERNAME +EMAIL +STATUS +STAFF +SUPERUSER +CREATED\n1 +dora +dora@example\.com +active +no +yes +20\S+Z\n$/,
  );
  assert.equal(await good(["users", "list", "--query", "nobody"], at), "No users.\n");
  const first = await run(["users", "list", "--page-size", "1", "-o", "json"], at);
  const page = JSON.parse(first.stdout) as { users: UserJson[]; next_page_token: string };
  assert.equal(page.users.length, 1);
  const rest = await json<typeof page>(["users", "list", "--page-token", page.next_page_token, "--all"], at);
  assert.equal(rest.next_page_token, "");
  assert.ok(rest.users.some(({ username }) => username === "eli"));
  for (const name of ["eli", user.id, `id:${user.id}`, "username:ELI"]) {
    assert.equal((await json<{ user: UserJson }>(["users", "show", name], at)).user.username, "eli");
  }
  const updated = await json<{ user: UserJson }>(
    ["users", "update", "eli", "--email", "eli@example.com", "--no-staff"],
    at,
  );
  assert.equal(updated.user.is_staff, false);
  assert.match(await good(["users", "show", "eli@example.com"], at), /username +eli\n/);
});

test("a name that may mean two users chooses none", async () => {
  const { user } = await json<{ user: UserJson }>(["users", "create", "1"], at);
  const line = await bad(1, ["users", "disable", "1"], at);
  assert.match(
    line,
    new RegExp(`1 may mean more than one user: write id:${user.id} \\(1\\) or id:1 \\(dora\\) `),
  );
  assert.equal(await good(["users", "delete", `id:${user.id}`, "--yes"], at), `Deleted 1 (id ${user.id}).\n`);
});

test("disable, enable and delete", async () => {
  await good(["users", "create", "finn"], at);
  assert.match(await good(["users", "disable", "finn"], at), /^Disabled finn \(id \d+\)\.\n$/);
  assert.equal((await json<{ user: UserJson }>(["users", "show", "finn"], at)).user.is_active, false);
  assert.equal((await json<{ user: UserJson }>(["users", "enable", "finn"], at)).user.is_active, true);
  assert.match(await bad(2, ["users", "delete", "finn"], at), /there is no terminal to ask at: .*--yes/);
  assert.deepEqual(await json(["users", "delete", "finn", "--yes"], at), {});
  assert.match(
    await bad(1, ["users", "show", "finn"], at),
    /^countersign: no such user: finn \(NOT_FOUND\)$/,
  );
});

test("a second factor that is lost is taken off, and sessions end", async () => {
  await good(["users", "create", "hal"], at);
  const nothing = new Uint8Array(1);
  const store = await openDevStore(folder);
  const { id } = (await store.users.findByUsername("hal")) ?? { id: "" };
  await store.totp.enroll(id, nothing);
  await store.totp.confirm(id, { step: 1, sealedSecret: nothing }, [nothing]);
  assert.match(await good(["users", "show", "hal"], at), /\nsecond factor +yes\n/);
  assert.match(
    await bad(2, ["users", "reset-second-factor", "hal"], at),
    /there is no terminal to ask at: .*--yes/,
  );
  assert.match(
    await good(["users", "reset-second-factor", "hal", "--yes"], at),
    /^hal \(id \d+\) has no second factor any more\.\n$/,
  );
  const shown = await json<{ has_second_factor: boolean }>(["users", "show", "hal"], at);
  assert.equal(shown.has_second_factor, false);
  assert.match(
    await bad(1, ["users", "reset-second-factor", "hal", "--yes"], at),
    /^countersign: No second factor is on \(FAILED_PRECONDITION\)$/,
  );
  const audit = await store.audit.list({ limit: 2, target: `user:${id}` });
  assert.deepEqual(
    audit.map(({ actor, action }) => [actor, action]),
    [
      ["system", "session.all_revoked"],
      ["system", "totp.disabled"],
    ],
  );
  await store.close();
});

test("a password that was guessed at too often: show says so, and enable lets it in again", async () => {
  await good(["users", "create", "ida"], at);
  const store = await openDevStore(folder);
  const { id } = (await store.users.findByUsername("ida")) ?? { id: "" };
  const streak = { userId: id, limit: 1, lockAt: 1 };
  await store.attempts.begin("x", { limit: 10, windowSeconds: 900, now: new Date(), streak });
  assert.match(await good(["users", "list", "--query", "ida"], at), /ida +- +locked/);
  const shown = await good(["users", "show", "ida"], at);
  assert.match(
    shown,
    /status +locked\n[\s\S]*password locked +20\S+Z: too many were wrong; countersign users enable ida\n/,
  );
  assert.match(await good(["users", "enable", "ida"], at), /^Enabled ida \(id \d+\)\.\n$/);
  assert.match(await good(["users", "show", "ida"], at), /status +active\n/);
  const audit = await store.audit.list({ limit: 2, target: `user:${id}` });
  assert.deepEqual(
    audit.map(({ actor, action }) => [actor, action]),
    [
      ["system", "password.unlocked"],
      ["system", "password.locked"],
    ],
  );
  await store.close();
});

test("the last superuser stays, and a taken name is told", async () => {
  assert.match(await bad(1, ["users", "delete", "dora", "--yes"], at), /\(FAILED_PRECONDITION\)$/);
  const taken = JSON.parse(await bad(1, ["users", "create", "Dora", "-o", "json"], at)) as ErrorJson;
  assert.equal(taken.error.status, "ALREADY_EXISTS");
  assert.equal(taken.error.violations[0]?.field, "username");
  const wrong = JSON.parse(
    await bad(2, ["users", "create", "a b", "--email", "none", "-o", "json"], at),
  ) as ErrorJson;
  assert.equal(wrong.error.status, "INVALID_ARGUMENT");
  assert.deepEqual(
    wrong.error.violations.map(({ field }) => field),
    ["username", "email"],
  );
});

test("passwords come from standard input or a file", async () => {
  const secrets = ["one good long password", "another good long password", "a third long password!"] as const;
  await good(["users", "create", "gus", "--password-stdin"], { folder, input: `${secrets[0]}\n` });
  assert.ok(await createPasswords().verify((await passwordOf("gus")) ?? "", secrets[0]));
  const text = await good(["users", "set-password", "gus"], { folder, input: secrets[1] });
  assert.match(text, /^gus \(id \d+\) has a new password\.\n$/);
  assert.ok(await createPasswords().verify((await passwordOf("gus")) ?? "", secrets[1]));
  const file = join(folder, "password");
  writeFileSync(file, `${secrets[2]}\r\n`);
  assert.deepEqual(await json(["users", "set-password", "gus", "--password-file", file], at), {});
  assert.ok(await createPasswords().verify((await passwordOf("gus")) ?? "", secrets[2]));
  assert.match(
    await bad(2, ["users", "set-password", "gus"], { folder, input: "short" }),
    /15 to 256 characters/,
  );
  assert.match(
    await bad(1, ["users", "set-password", "gus"], { folder, input: "\n" }),
    /standard input is empty/,
  );
  assert.match(
    await bad(1, ["users", "set-password", "gus", "--password-file", "none"], at),
    /cannot read none \(ENOENT\)/,
  );
  assert.ok(
    await createPasswords().verify((await passwordOf("gus")) ?? "", secrets[2]),
    "nothing was changed",
  );
});
