import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  bad,
  type DevServer,
  type ErrorJson,
  good,
  json,
  type KeyJson,
  scratchFolder,
  startDev,
  type UserJson,
  until,
} from "./program.ts";

const folder = scratchFolder();
const at = { folder };
/** Where no store is: what happens here happens on the server. */
const elsewhere = scratchFolder();
let server: DevServer;
let token = "";

before(async () => {
  server = await startDev(folder);
  token = (await good(["tokens", "mint", "--user", "admin"], at)).trim();
});
after(() => server.stop());

interface RoleJson {
  readonly name: string;
  readonly permissions: readonly {
    readonly resource: string;
    readonly action: string;
    readonly deny: boolean;
  }[];
  readonly inherits: readonly string[];
  readonly built_in: boolean;
}

const asAdmin = () => ({ folder: elsewhere, env: { COUNTERSIGN_TOKEN: token } });
const remote = (...args: readonly string[]): readonly string[] => [...args, "--server", server.grpc];

/** The status of a call over HTTP with that token. */
async function call(bearer: string, procedure: string): Promise<number> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${bearer}` };
  const answer = await fetch(`http://${server.http}${procedure}`, { method: "POST", headers, body: "{}" });
  await answer.text();
  return answer.status;
}

test("a role that is given beside a running server counts there within a second, with the token that there is", async () => {
  const alice = (await good(["tokens", "mint", "--user", "alice"], at)).trim();
  const list = () => call(alice, "/api.users.UserService/ListAllUsers");
  assert.equal(await list(), 403);
  await good(["roles", "create", "lister", "--permission", "users:*"], at);
  assert.match(
    await good(["roles", "assign", "lister", "--user", "alice"], at),
    /^alice \(id 3\) has lister\.\n$/,
  );
  await until(1000, "the role to count", async () => (await list()) === 200);
  await good(["roles", "update", "lister", "--add-permission", "!users:list"], at);
  await until(1000, "the denial to count", async () => (await list()) === 403);
  await good(["roles", "update", "lister", "--remove-permission", "!users:list"], at);
  await until(1000, "its end to count", async () => (await list()) === 200);
  assert.match(await good(["roles", "unassign", "lister", "--user", "alice"], at), /has no roles\.\n$/);
  await until(1000, "the loss to count", async () => (await list()) === 403);
  await good(["roles", "delete", "lister"], at);
});

test("the same through the server counts at once", async () => {
  const alice = (await good(["tokens", "mint", "--user", "alice"], at)).trim();
  const list = () => call(alice, "/api.users.UserService/ListAllUsers");
  const { role } = await json<{ role: RoleJson }>(
    remote(
      "roles",
      "create",
      "seer",
      "--permission",
      "users:list",
      "--permission",
      "!users:delete",
      "--inherit",
      "viewer",
    ),
    asAdmin(),
  );
  assert.deepEqual(role.permissions, [
    { resource: "users", action: "delete", deny: true },
    { resource: "users", action: "list", deny: false },
  ]);
  assert.deepEqual([role.inherits, role.built_in], [["viewer"], false]);
  await good(remote("roles", "assign", "seer", "--user", "alice"), asAdmin());
  assert.equal(await list(), 200);
  assert.equal(await call(alice, "/auth.v1.RoleService/ListRoles"), 200);
  assert.equal(await call(alice, "/auth.v1.RoleService/CreateRole"), 403);
  await good(remote("roles", "delete", "seer", "--force"), asAdmin());
  assert.equal(await list(), 403);
});

test("list, show and users show", async () => {
  const text = await good(["roles", "list"], at);
  assert.match(text, /^NAME +PERMISSIONS +INHERITS +BUILT IN +DESCRIPTION\nadmin +auth\.users:\* /);
  const first = await json<{ roles: RoleJson[]; next_page_token: string }>(
    ["roles", "list", "--page-size", "2"],
    at,
  );
  assert.deepEqual(
    first.roles.map(({ name }) => name),
    ["admin", "key-manager"],
  );
  const rest = await json<typeof first>(["roles", "list", "--page-token", first.next_page_token], at);
  assert.deepEqual(
    rest.roles.map(({ name }) => name),
    ["viewer"],
  );
  assert.match(await good(["roles", "show", "viewer"], at), /permissions +auth\.users:read auth\.keys:read/);
  await good(
    [
      "roles",
      "create",
      "team",
      "--permission",
      "orders:*",
      "--permission",
      "orders:read",
      "--inherit",
      "viewer",
    ],
    at,
  );
  const { user } = await json<{ user: UserJson }>(["users", "create", "tess", "--role", "team"], at);
  assert.deepEqual(user.roles, ["team"]);
  for (const [args, options] of [
    [["users", "show", "tess"], at],
    [remote("users", "show", "tess"), asAdmin()],
  ] as const) {
    const shown = await json<{ user: UserJson; permissions: string[] }>(args, options);
    assert.deepEqual(shown.user.roles, ["team"]);
    assert.deepEqual(shown.permissions.slice(0, 2), ["orders:*", "auth.users:read"]);
    assert.match(await good(args, options), /roles +team\npermissions +orders:\* auth\.users:read /);
  }
  assert.match(await good(["users", "show", "admin"], at), /permissions +\*\*\n/);
  const { api_key: key } = await json<{ api_key: KeyJson & { roles: string[] } }>(
    ["keys", "create", "--user", "tess", "--name", "limited", "--role", "viewer", "--scope", "orders:*"],
    at,
  );
  assert.deepEqual([key.roles, key.scopes], [["viewer"], ["orders:*"]]);
  assert.match(await good(["keys", "show", key.id], at), /scopes +orders:\*\nroles +viewer\n/);
});

test("what cannot be is told in one line", async () => {
  for (const [code, args, message] of [
    [2, ["create", "a b"], /name: 1 to 100 letters.*\(INVALID_ARGUMENT\)$/],
    [2, ["create", "x", "--permission", "orders*"], /permissions\[0\]: a wildcard stands for/],
    [1, ["create", "viewer"], /\(ALREADY_EXISTS\)$/],
    [2, ["create", "x", "--inherit", "nobody"], /there is no role nobody/],
    [1, ["show", "nobody"], /^countersign: No such role \(NOT_FOUND\)$/],
    [1, ["delete", "viewer", "--force"], /a built-in role cannot be changed or deleted/],
    [2, ["assign", "nobody", "--user", "alice"], /there is no role nobody/],
    [1, ["assign", "viewer", "--user", "nobody"], /no such user: nobody/],
  ] as const) {
    assert.match(await bad(code, ["roles", ...args], at), message);
  }
  assert.match(await bad(2, ["roles", "update", "viewer"], at), /nothing to change/);
  assert.match(await bad(2, ["roles", "assign", "viewer"], at), /--user/);
  const wrong = JSON.parse(await bad(2, ["roles", "create", "a b", "-o", "json"], at)) as ErrorJson;
  assert.deepEqual(
    wrong.error.violations.map(({ field }) => field),
    ["name"],
  );
});
