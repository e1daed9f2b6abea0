import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  bad,
  type ErrorJson,
  good,
  json,
  type KeyJson,
  openDevStore,
  run,
  scratchFolder,
} from "./program.ts";

const folder = scratchFolder();
const at = { folder };

before(async () => {
  await good(["users", "create", "dora"], at);
});

interface Made {
  readonly api_key: KeyJson;
  readonly key: string;
}

test("a list of nothing says so", async () => {
  assert.equal(await good(["keys", "list"], at), "No API keys.\n");
  assert.deepEqual(await json(["keys", "list"], at), { api_keys: [], next_page_token: "", trends: [] });
});

test("the key alone is on standard output, once", async () => {
  const made = await run(["keys", "create", "--user", "dora", "--name", "ci", "--expires", "30d"], at);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^cs_dev_[0-9A-Za-z]{17}_[0-9A-Za-z]{49}\n$/);
  const id = made.stdout.split("_")[2] ?? "";
  assert.match(
    made.stderr,
    new RegExp(
      `Made the key "ci" of dora \\(id 1\\), id ${id}, good until 20\\S+Z\\. It is not shown again:`,
    ),
  );
  assert.ok(!made.stderr.includes(made.stdout.trim()));
  const listed = await good(["keys", "list", "--user", "dora"], at);
  assert.match(listed, /^ID +NAME +TYPE +USER +STATUS +REQUESTS +LAST USED +EXPIRES +CREATED\n/);
  assert.match(listed, new RegExp(`${id} +ci +service +dora \\(id 1\\) +active +0 +- +20`));
  const shown = await good(["keys", "show", id], at);
  for (const text of [listed, shown]) assert.ok(!text.includes(made.stdout.trim().split("_")[3] ?? "?"));
});

test("as JSON, with every member", async () => {
  const args = [
    "keys",
    "create",
    "--user",
    "id:1",
    "--name",
    "hook",
    "--type",
    "webhook",
    "--description",
    "d",
  ];
  const { api_key: key, key: secret } = await json<Made>([...args, "--scope", "a:b", "--scope", "c:d"], at);
  assert.ok(secret.includes(key.id));
  assert.deepEqual(
    {
      type: key.type,
      scopes: key.scopes,
      requests: key.total_requests,
      status: key.status,
      reason: key.revoked_reason,
    },
    { type: "webhook", scopes: ["a:b", "c:d"], requests: "0", status: "active", reason: "" },
  );
  assert.equal(key.expires_at, undefined);
  const { api_key: revoked } = await json<Made>(["keys", "revoke", key.id, "--reason", "leaked"], at);
  assert.deepEqual([revoked.status, revoked.revoked_reason], ["revoked", "leaked"]);
  const again = await good(["keys", "revoke", key.id, "--reason", "other"], at);
  assert.equal(again, 'Revoked the key "hook" of dora (id 1).\n');
  assert.match(await good(["keys", "show", key.id], at), /status +revoked\n[\s\S]*reason +leaked\n$/);
  const { api_keys: list } = await json<{ api_keys: KeyJson[] }>(
    ["keys", "list", "--status", "revoked", "--all"],
    at,
  );
  assert.deepEqual(
    list.map(({ id }) => id),
    [key.id],
  );
});

test("what a key made is told when it is revoked, and goes with it if that is meant", async () => {
  const make = async (name: string): Promise<string> =>
    (await json<Made>(["keys", "create", "--user", "dora", "--name", name], at)).api_key.id;
  const root = await make("root");
  const store = await openDevStore(folder);
  const { id: userId } = (await store.users.findByUsername("dora")) ?? { id: "" };
  for (const [id, madeBy] of [
    ["made1", root],
    ["made2", "made1"],
  ] as const) {
    const key = { id, madeBy, name: id, type: "service", userId, digest: new Uint8Array(32), pepperId: "p1" };
    await store.apiKeys.create(key);
  }
  await store.close();
  assert.match(await good(["keys", "show", "made2"], at), /made by the key +made1\n/);
  const told = await run(["keys", "revoke", root], at);
  assert.match(told.stderr, /^Keys that it made are not revoked: made1; the same with --with-made /);
  const text = await good(["keys", "revoke", root, "--with-made"], at);
  assert.equal(text, 'Revoked the key "root" of dora (id 1).\nRevoked what it made: made1, made2.\n');
});

test("what is wrong is named", async () => {
  const lines: readonly (readonly [code: number, args: readonly string[], line: RegExp])[] = [
    [2, ["keys", "create", "--name", "x"], /--user is missing/],
    [
      2,
      ["keys", "create", "--user", "dora", "--name", "x", "--expires", "soon"],
      /--expires is a duration such as/,
    ],
    [2, ["keys", "create", "--user", "dora", "--name", "x", "--expires", "0s"], /--expires is at least 1s/],
    [1, ["keys", "create", "--user", "nobody", "--name", "x"], /no such user: nobody \(NOT_FOUND\)/],
    [2, ["keys", "create", "--user", "dora", "--name", "x", "--type", "odd"], /type: one of service, cli/],
    [2, ["keys", "list", "--status", "odd"], /status: one of active/],
    [1, ["keys", "show", "none"], /No such API key \(NOT_FOUND\)/],
  ];
  for (const [code, args, line] of lines) assert.match(await bad(code, args, at), line);
  await good(["keys", "create", "--user", "dora", "--name", "twice"], at);
  const taken = JSON.parse(
    await bad(2, ["keys", "create", "--user", "dora", "--name", "twice", "-o", "json"], at),
  ) as ErrorJson;
  assert.deepEqual([taken.error.status, taken.error.violations[0]?.field], ["INVALID_ARGUMENT", "name"]);
});

test("a text cannot steer a terminal", async () => {
  const made = ["keys", "create", "--user", "dora", "--name", "steering", "-o", "json"];
  const told = await good([...made, "--description", "a\u001b[2Jb\nc"], at);
  const { api_key: key } = JSON.parse(told) as { readonly api_key: { readonly id: string } };
  const text = await good(["keys", "show", key.id], at);
  assert.ok(!text.includes("\u001b"));
  assert.match(text, /a\ufffd\[2Jb c/);
});
