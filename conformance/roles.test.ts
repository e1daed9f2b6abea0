import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Administrator, ids } from "./cast.ts";
import type { Client, Header } from "./clients/client.ts";
import { until } from "./deadline.ts";
import { bearer, http, newAccount } from "./door.ts";
import { closeServer, openServer } from "./open-server.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets, runProgram, type ServerProcess } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";

// Roles: what they allow counts from the next call on, with the tokens and keys that there are, and nobody gets more by
// our own services than they have.

const roleService = "/auth.v1.RoleService";
const listAll = "/api.users.UserService/ListAllUsers";

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
before(async () => {
  ({ server, administrator, client } = await openServer());
});
after(() => closeServer({ server, administrator, client }));

const tokenOf = (userId: string): Promise<string> =>
  sign(developmentSecrets(server.data).jwtSecret, accessClaims(userId));
const role = (name: string, request: Json): Promise<Json> =>
  administrator.call(`${roleService}/${name}`, request);
const permission = (text: string): Json => {
  const [resource, action = ""] = text.replace("!", "").split(":");
  return { resource, action, deny: text.startsWith("!") };
};

/** The status of a call over gRPC, and over HTTP. */
async function both(
  credential: Header,
  procedure = listAll,
  request: Json = {},
): Promise<readonly [number, number]> {
  const { code } = await client.call({ procedure, requests: [request], headers: [credential] });
  const { status } = await http(server, procedure, {
    headers: Object.fromEntries([credential]),
    body: request,
  });
  return [code, status];
}

const passed = [0, 200];
const denied = [7, 403];

describe("a change of roles", () => {
  it("is seen by the next call, with the same token and the same key, on gRPC and HTTP", async () => {
    const { id } = await newAccount(administrator);
    const credentials: readonly Header[] = [
      bearer(await tokenOf(id)),
      ["x-api-key", (await administrator.createKey(id, "old")).key],
    ];
    const all = async (): Promise<readonly (readonly number[])[]> => {
      const answers = [];
      for (const credential of credentials) answers.push(await both(credential));
      return answers;
    };
    deepEqual(await all(), [denied, denied]);
    await role("CreateRole", { name: "lister", permissions: [permission("users:list")] });
    await role("AssignRole", { user_id: id, role: "lister" });
    deepEqual(await all(), [passed, passed]);
    await role("UpdateRole", { name: "lister", add_permissions: [permission("!users:list")] });
    deepEqual(await all(), [denied, denied]);
    await role("UpdateRole", {
      name: "lister",
      remove_permissions: [permission("!users:list")],
      add_permissions: [permission("users:*")],
    });
    deepEqual(await all(), [passed, passed]);
    await role("CreateRole", { name: "heir", inherits: ["lister"] });
    await role("UnassignRole", { user_id: id, role: "lister" });
    deepEqual(await all(), [denied, denied]);
    await role("AssignRole", { user_id: id, role: "heir" });
    deepEqual(await all(), [passed, passed]);
    await role("UpdateRole", { name: "heir", remove_inherits: ["lister"] });
    deepEqual(await all(), [denied, denied]);
    await role("UpdateRole", { name: "heir", add_inherits: ["lister"] });
    await role("DeleteRole", { name: "heir", force: true });
    deepEqual(await all(), [denied, denied]);
  });

  it("is shown by WhoAmI at once, and told with where it comes from", async () => {
    const { id } = await newAccount(administrator);
    const token = await tokenOf(id);
    const who = async (): Promise<readonly unknown[]> => {
      const { json } = await http(server, "/auth.v1.AuthService/WhoAmI", { token });
      return [json["roles"], json["permissions"]];
    };
    await role("CreateRole", { name: "base", permissions: [permission("orders:*")] });
    await role("CreateRole", {
      name: "top",
      permissions: [permission("!orders:delete")],
      inherits: ["base"],
    });
    await role("AssignRole", { user_id: id, role: "top" });
    deepEqual(await who(), [["top"], ["orders:*", "!orders:delete"]]);
    const { permissions } = (await role("ListUserPermissions", { user_id: id })) as { permissions: Json[] };
    deepEqual(permissions, [
      { permission: permission("!orders:delete"), role: "top", through: "top" },
      { permission: permission("orders:*"), role: "base", through: "top" },
    ]);
    await role("UpdateRole", {
      name: "base",
      remove_permissions: [permission("orders:*")],
      add_permissions: [permission("orders:read")],
    });
    deepEqual(await who(), [["top"], ["orders:read", "!orders:delete"]]);
    const own = await http(server, `${roleService}/GetUserRoles`, { token });
    deepEqual(own.json, { user_roles: { user_id: id, role_names: ["top"] } });
  });

  it("binds superusers by its denials, and keys by their roles", async () => {
    const { id } = await newAccount(administrator, { is_superuser: true });
    const token = bearer(await tokenOf(id));
    const readRoles = `${roleService}/ListRoles`;
    await role("CreateRole", { name: "no-roles", permissions: [permission("!auth.roles:read")] });
    deepEqual(await both(token, readRoles), passed);
    await role("AssignRole", { user_id: id, role: "no-roles" });
    deepEqual(await both(token, readRoles), denied);
    await role("DeleteRole", { name: "no-roles", force: true });
    deepEqual(await both(token, readRoles), passed);
    const limited = await administrator.call("/auth.v1.ApiKeyService/CreateApiKey", {
      user_id: id,
      name: "limited",
      roles: ["viewer"],
    });
    const key: Header = ["x-api-key", String(limited["key"])];
    deepEqual(await both(key, readRoles), passed);
    deepEqual(await both(key, `${roleService}/CreateRole`, { name: "x" }), denied);
    deepEqual(await both(key, listAll), denied);
  });

  it("made by another process is seen within a second", async () => {
    const { id, username } = await newAccount(administrator);
    const token = bearer(await tokenOf(id));
    const beside = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await runProgram(args, { data: server.data, deadlineMs: 30_000 });
      equal(code, 0, stderr);
    };
    await beside("roles", "create", "seer", "--permission", "users:list");
    deepEqual(await both(token), denied);
    await beside("roles", "assign", "seer", "--user", username);
    await until(1000, "the role to count", async () => (await both(token))[0] === 0);
    await beside("roles", "update", "seer", "--remove-permission", "users:list");
    await until(1000, "its loss to count", async () => (await both(token))[0] === 7);
  });
});

describe("escalation by our own services", () => {
  it("is refused over the wire, and nothing is changed", async () => {
    await role("CreateRole", { name: "all", permissions: [permission("**")] });
    const { id } = await newAccount(administrator);
    const { id: rich } = await newAccount(administrator);
    await role("AssignRole", { user_id: id, role: "admin" });
    await role("AssignRole", { user_id: rich, role: "all" });
    const scopes = ["auth.users:*", "auth.roles:*", "auth.keys:*"];
    const credentials: readonly Header[] = [
      bearer(await tokenOf(id)),
      ["x-api-key", (await administrator.createKey(id, "for roles", scopes)).key],
    ];
    const attempts: readonly (readonly [string, Json])[] = [
      ["RoleService/CreateRole", { name: "mine", permissions: [permission("**")] }],
      ["RoleService/CreateRole", { name: "mine", inherits: ["all"] }],
      ["RoleService/UpdateRole", { name: "all", description: "mine" }],
      ["RoleService/DeleteRole", { name: "all", force: true }],
      ["RoleService/AssignRole", { user_id: id, role: "all" }],
      ["RoleService/AssignRole", { user_id: ids.admin, role: "viewer" }],
      ["RoleService/UnassignRole", { user_id: rich, role: "all" }],
      ["UserService/CreateUser", { username: "mine", is_superuser: true }],
      ["UserService/CreateUser", { username: "mine", is_staff: true }],
      ["UserService/CreateUser", { username: "mine", roles: ["all"] }],
      ["UserService/UpdateUser", { id, is_superuser: true }],
      ["UserService/UpdateUser", { id: ids.admin, username: "mine" }],
      ["UserService/SetPassword", { id: rich, password: "seven rivers meet at noon" }],
      ["UserService/DisableUser", { id: ids.admin }],
      ["UserService/DeleteUser", { id: rich }],
      ["ApiKeyService/CreateApiKey", { user_id: rich, name: "mine", scopes: ["auth.roles:write"] }],
      ["ApiKeyService/CreateApiKey", { user_id: ids.admin, name: "mine", scopes: ["superuser"] }],
    ];
    const before = await everything();
    for (const credential of credentials) {
      for (const [name, request] of attempts) {
        const procedure = `/auth.v1.${name}`;
        const { code, reason } = await client.call({ procedure, requests: [request], headers: [credential] });
        deepEqual([code, reason], [7, "PERMISSION_DENIED"], `${name} ${JSON.stringify(request)}`);
      }
    }
    deepEqual(await everything(), before);
  });

  it("leaves one superuser, however many are demoted at once", async () => {
    const { id } = await newAccount(administrator, { is_superuser: true });
    const [mine, theirs] = [bearer(await tokenOf(id)), bearer(await tokenOf(ids.admin))];
    const demote = (credential: Header, user: string) =>
      client.call({
        procedure: "/auth.v1.UserService/UpdateUser",
        requests: [{ id: user, is_superuser: false }],
        headers: [credential],
      });
    // Every other superuser of this file goes first.
    const { users } = (await administrator.call("/auth.v1.UserService/ListUsers", { page_size: 1000 })) as {
      users: Json[];
    };
    for (const user of users) {
      if (user["is_superuser"] === true && user["id"] !== id && user["id"] !== ids.admin)
        equal((await demote(mine, String(user["id"]))).code, 0);
    }
    const outcomes = await Promise.all([demote(mine, ids.admin), demote(theirs, id)]);
    // The second one was let in as a superuser, or not any more.
    deepEqual(outcomes.map(({ code }) => Math.min(code, 1)).sort(), [0, 1]);
    ok(outcomes.every(({ code }) => [0, 7, 9].includes(code)));
    const left = outcomes[0].code === 0 ? mine : theirs;
    deepEqual((await both(left, `${roleService}/ListRoles`))[0], 0, "somebody can still administer");
  });
});

/** Accounts, roles and keys. */
async function everything(): Promise<readonly Json[]> {
  const page = { page_size: 1000 };
  const users = await administrator.call("/auth.v1.UserService/ListUsers", page);
  const keys = (await administrator.call("/auth.v1.ApiKeyService/ListApiKeys", page)) as { api_keys: Json[] };
  // Which calls were counted by now is the clock's affair: the attempts themselves are, and those before them.
  const apiKeys = keys.api_keys.map((key) =>
    Object.fromEntries(Object.entries(key).filter(([name]) => !/^total_requests$|^last_used_/.test(name))),
  );
  return [users, await role("ListRoles", page), { apiKeys }];
}
