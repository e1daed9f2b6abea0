import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { principalOf } from "../authenticator/account.ts";
import { CallContext } from "../context/call-context.ts";
import { CallError } from "../core/call-error.ts";
import { allow } from "../core/decision.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { ApiKeyService } from "../gen/auth/v1/api_keys_pb.ts";
import { RoleService } from "../gen/auth/v1/roles_pb.ts";
import { UserService } from "../gen/auth/v1/users_pb.ts";
import { createKeyDigests } from "../keys/key-digest.ts";
import type { Store } from "../store/contracts.ts";
import { createMemoryStore } from "../store/memory.ts";
import { createApiKeyService } from "./api-key-service.ts";
import { permissionMessage } from "./permission-message.ts";
import { createRoleService } from "./role-service.ts";
import { createUserService } from "./user-service.ts";

const { createRole, updateRole, deleteRole, assignRole, unassignRole, getUserRoles, listUserPermissions } =
  RoleService.method;

type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

/** The services over one store, with users of every rank. */
async function setup() {
  const store = createMemoryStore();
  const directory = await createRoleDirectory({ source: store.roles });
  const caughtUp = async (): Promise<void> => directory.reload();
  const { users, sessions, totp, identities, roles } = store;
  const digests = createKeyDigests([{ id: "p1", secret: new Uint8Array(32).fill(7) }]);
  const services: Readonly<Record<string, object>> = {
    [RoleService.typeName]: createRoleService({ store, roles: directory, caughtUp }),
    [UserService.typeName]: createUserService({
      ...{ users, roles: directory, sessions, totp, identities, caughtUp },
      hashPassword: async () => "hash",
    }),
    [ApiKeyService.typeName]: createApiKeyService({
      ...{ store, roles: directory, digests, caughtUp },
      environment: "dev",
    }),
  };
  const make = async (name: string, permissions: readonly string[], inherits: readonly string[] = []) =>
    roles.create({ name, permissions, inherits }, "system");
  await make("reader", ["orders:read"]);
  await make("everything", ["**"]);
  await make("careful", ["orders:*", "!orders:delete"]);
  await make("indirect", [], ["everything"]);
  const root = await users.create({ username: "root", isSuperuser: true });
  const boss = await users.create({ username: "boss", roles: ["admin", "reader"] });
  const sam = await users.create({ username: "sam", isStaff: true });
  const ada = await users.create({ username: "ada", roles: ["reader"] });
  const rich = await users.create({ username: "rich", roles: ["everything"] });
  const bound = await users.create({ username: "bound", roles: ["everything", "careful"] });
  await caughtUp();

  async function as<M extends DescMethodUnary>(
    caller: Principal | { readonly id: string },
    method: M,
    request: MessageInitShape<M["input"]>,
  ): Promise<string> {
    const user = "id" in caller ? await users.load(caller.id) : undefined;
    const principal =
      "id" in caller ? principalOf(user ?? assert.fail(), { authenticator: "jwt" }, directory) : caller;
    const handlers = services[method.parent.typeName] as Readonly<Record<string, Handler>>;
    const context = new CallContext(fakeCall("/"), allow(principal, "jwt"), undefined);
    try {
      await handlers[method.localName]?.(create(method.input, request), context);
      return "ok";
    } catch (error) {
      if (error instanceof Refusal) return error.denial.reason;
      if (error instanceof CallError)
        return `${error.status} ${error.violations.map(({ field }) => field).join()}`;
      throw error;
    }
  }
  /** The principal of a key of somebody's. */
  const keyOf = async (id: string, limits: { scopes?: string[]; roles?: string[] }): Promise<Principal> => {
    const user = (await users.load(id)) ?? assert.fail();
    const { scopes = [], roles: names = [] } = limits;
    const record = { id: "k", name: "k", type: "cli", scopes, roles: names };
    return principalOf(user, { authenticator: "api_key", apiKey: record }, directory);
  };
  return { store, as, keyOf, root, boss, sam, ada, rich, bound };
}

/** Everything that an attempt could have changed. */
async function everything({ users, roles, apiKeys, audit, revocations }: Store): Promise<unknown> {
  return [
    await users.list({ limit: 1000 }),
    await roles.load(),
    await apiKeys.list({ limit: 1000, now: new Date() }),
    await audit.list({ limit: 1000 }),
    await revocations.head(),
  ];
}

const permissions = (...texts: string[]) => texts.map(permissionMessage);

describe("nobody hands out more than they hold", () => {
  it("by a role, an assignment, an account or a key, and nothing is changed", async () => {
    const { store, as, keyOf, root, boss, sam, ada, rich, bound } = await setup();
    const [rootId, bossId] = [BigInt(root.id), BigInt(boss.id)];
    const [samId, adaId] = [BigInt(sam.id), BigInt(ada.id)];
    const [richId, boundId] = [BigInt(rich.id), BigInt(bound.id)];
    const before = await everything(store);
    const attempts: readonly [string, Promise<string>][] = [
      ["a role of everything", as(boss, createRole, { name: "x", permissions: permissions("**") })],
      ["a wider pattern", as(boss, createRole, { name: "x", permissions: permissions("orders:*") })],
      ["another action everywhere", as(boss, createRole, { name: "x", permissions: permissions("*:read") })],
      ["what a parent allows", as(boss, createRole, { name: "x", inherits: ["everything"] })],
      ["what a parent's parent allows", as(boss, createRole, { name: "x", inherits: ["indirect"] })],
      [
        "more in a role",
        as(boss, updateRole, { name: "reader", addPermissions: permissions("orders:write") }),
      ],
      ["more in a role by a parent", as(boss, updateRole, { name: "reader", addInherits: ["careful"] })],
      ["a role that is above", as(boss, updateRole, { name: "everything", description: "mine" })],
      [
        "a denial lifted",
        as(boss, updateRole, { name: "careful", removePermissions: permissions("!orders:delete") }),
      ],
      ["a role deleted that is above", as(boss, deleteRole, { name: "everything", force: true })],
      ["everything to oneself", as(boss, assignRole, { userId: bossId, role: "everything" })],
      ["everything to another", as(boss, assignRole, { userId: adaId, role: "indirect" })],
      ["a role to one who is above", as(boss, assignRole, { userId: richId, role: "reader" })],
      ["a role to a superuser", as(boss, assignRole, { userId: rootId, role: "reader" })],
      ["a role to staff", as(boss, assignRole, { userId: samId, role: "reader" })],
      ["a denial taken from one who is above", as(boss, unassignRole, { userId: boundId, role: "careful" })],
      ["one's own denial", as(bound, unassignRole, { userId: boundId, role: "careful" })],
      ["a superuser", as(boss, UserService.method.createUser, { username: "x", isSuperuser: true })],
      ["staff", as(boss, UserService.method.createUser, { username: "x", isStaff: true })],
      [
        "an account with a role",
        as(boss, UserService.method.createUser, { username: "x", roles: ["everything"] }),
      ],
      [
        "an account with a role that a denial hides",
        as(boss, UserService.method.createUser, { username: "x", roles: ["careful", "reader"] }),
      ],
      ["oneself a superuser", as(boss, UserService.method.updateUser, { id: bossId, isSuperuser: true })],
      [
        "the password of one who is above",
        as(boss, UserService.method.setPassword, { id: richId, password: "a very long password" }),
      ],
      ["one's second factor who is above", as(boss, UserService.method.resetSecondFactor, { id: richId })],
      ["one who is above", as(boss, UserService.method.disableUser, { id: richId })],
      ["one who is above, for good", as(boss, UserService.method.deleteUser, { id: rootId })],
      [
        "a key of one who is above",
        as(boss, ApiKeyService.method.createApiKey, { name: "x", userId: richId, scopes: ["a"] }),
      ],
      ["a key of a superuser", as(boss, ApiKeyService.method.createApiKey, { name: "x", userId: rootId })],
      [
        "a role by a superuser's limited key",
        as(await keyOf(root.id, { scopes: ["superuser", "auth.roles:*"] }), createRole, {
          name: "x",
          permissions: permissions("orders:read"),
        }),
      ],
      [
        "an account by a viewer's key manager role",
        as(await keyOf(boss.id, { roles: ["key-manager"] }), ApiKeyService.method.createApiKey, {
          name: "x",
          userId: adaId,
          scopes: ["auth.keys:write"],
        }),
      ],
    ];
    for (const [what, attempt] of attempts) {
      assert.match(await attempt, /^(PERMISSION_DENIED|INVALID_ARGUMENT scopes)$/, what);
    }
    assert.deepEqual(await everything(store), before);
  });

  it("and a key makes no key that may do more than itself", async () => {
    const { store, as, keyOf, boss } = await setup();
    const { createApiKey } = ApiKeyService.method;
    const patterned = await keyOf(boss.id, { scopes: ["auth.keys:*", "orders:*", "!orders:delete"] });
    const before = await everything(store);
    for (const limits of [
      {},
      { scopes: ["**"] },
      { scopes: ["orders:*"] },
      { scopes: ["orders:delete"] },
      { scopes: ["orders:read", "staff"] },
      { scopes: ["auth.users:read"] },
      { roles: ["reader"] },
    ]) {
      assert.equal(
        await as(patterned, createApiKey, { name: "x", ...limits }),
        "INVALID_ARGUMENT scopes",
        JSON.stringify(limits),
      );
    }
    const all = await keyOf(boss.id, { scopes: ["**"] });
    for (const scope of ["staff", "superuser"]) {
      assert.equal(await as(all, createApiKey, { name: "x", scopes: [scope] }), "INVALID_ARGUMENT scopes");
    }
    assert.deepEqual(await everything(store), before);
    assert.equal(
      await as(patterned, createApiKey, { name: "x", scopes: ["orders:read", "auth.keys:write"] }),
      "ok",
    );
    assert.equal(
      await as(patterned, createApiKey, { name: "y", scopes: ["orders:*", "!orders:delete"] }),
      "ok",
    );
    const byRole = await keyOf(boss.id, { roles: ["admin"] });
    assert.equal(await as(byRole, createApiKey, { name: "z", roles: ["admin"] }), "ok");
    assert.equal(await as(byRole, createApiKey, { name: "w", roles: ["reader"] }), "INVALID_ARGUMENT scopes");
    assert.equal(
      await as(byRole, createApiKey, { name: "w", scopes: ["auth.users:read"] }),
      "INVALID_ARGUMENT scopes",
    );
  });

  it("but what they hold, they do", async () => {
    const { store, as, root, boss, ada } = await setup();
    const userId = BigInt(ada.id);
    assert.equal(
      await as(boss, createRole, {
        name: "x",
        permissions: permissions("orders:read", "!orders:write"),
        inherits: ["viewer"],
      }),
      "ok",
    );
    assert.equal(await as(boss, assignRole, { userId, role: "x" }), "ok");
    assert.equal(
      await as(boss, updateRole, { name: "x", addPermissions: permissions("auth.users:*") }),
      "ok",
    );
    assert.equal(await as(boss, unassignRole, { userId, role: "x" }), "ok");
    assert.equal(await as(boss, deleteRole, { name: "x" }), "ok");
    assert.equal(
      await as(boss, UserService.method.createUser, { username: "new", roles: ["reader", "viewer"] }),
      "ok",
    );
    assert.deepEqual((await store.users.findByUsername("new"))?.roles, ["reader", "viewer"]);
    assert.equal(await as(root, assignRole, { userId, role: "everything" }), "ok");
    assert.equal(
      await as(root, updateRole, { name: "careful", removePermissions: permissions("!orders:delete") }),
      "ok",
    );
    assert.equal(await as(root, createRole, { name: "y", permissions: permissions("!**") }), "ok");
    assert.equal(await as(root, assignRole, { userId: BigInt(root.id), role: "y" }), "ok");
    assert.equal(
      await as(root, unassignRole, { userId: BigInt(root.id), role: "y" }),
      "ok",
      "a superuser is not locked out",
    );
  });

  it("nor is a role assigned that would be hidden by a denial until that goes", async () => {
    const { as, boss, ada, store } = await setup();
    await store.roles.create({ name: "no-orders", permissions: ["!orders:*"] }, "system");
    await store.roles.create({ name: "writer", permissions: ["orders:write"] }, "system");
    await store.roles.assign(ada.id, "no-orders", "system");
    assert.equal(await as(boss, assignRole, { userId: BigInt(ada.id), role: "writer" }), "PERMISSION_DENIED");
  });
});

describe("the role service", () => {
  it("names the fields that are wrong", async () => {
    const { as, root, ada } = await setup();
    const userId = BigInt(ada.id);
    assert.equal(
      await as(root, createRole, { name: "a b", permissions: permissions("o*") }),
      "INVALID_ARGUMENT name,permissions[0]",
    );
    assert.equal(
      await as(root, createRole, { name: "x", permissions: [{ resource: "!orders", action: "read" }] }),
      "INVALID_ARGUMENT permissions[0]",
    );
    assert.equal(
      await as(root, createRole, { name: "x", inherits: ["nobody"] }),
      "INVALID_ARGUMENT inherits",
    );
    assert.equal(
      await as(root, createRole, { name: "x", description: "x".repeat(501) }),
      "INVALID_ARGUMENT description",
    );
    assert.equal(await as(root, createRole, { name: "reader" }), "ALREADY_EXISTS name");
    assert.equal(
      await as(root, updateRole, { name: "reader", addPermissions: permissions("*") }),
      "INVALID_ARGUMENT add_permissions[0]",
    );
    assert.equal(
      await as(root, updateRole, { name: "everything", addInherits: ["indirect"] }),
      "INVALID_ARGUMENT inherits",
    );
    assert.equal(
      await as(root, updateRole, { name: "viewer", description: "x" }),
      "FAILED_PRECONDITION name",
    );
    assert.equal(await as(root, updateRole, { name: "nobody" }), "NOT_FOUND ");
    assert.equal(await as(root, deleteRole, { name: "reader" }), "FAILED_PRECONDITION name");
    assert.equal(await as(root, assignRole, { userId, role: "nobody" }), "INVALID_ARGUMENT role");
    assert.equal(await as(root, assignRole, { userId: 99n, role: "reader" }), "NOT_FOUND ");
    assert.equal(
      await as(root, UserService.method.createUser, { username: "x", roles: ["nobody"] }),
      "INVALID_ARGUMENT roles",
    );
    assert.equal(
      await as(root, ApiKeyService.method.createApiKey, { name: "x", roles: ["nobody"] }),
      "INVALID_ARGUMENT roles",
    );
    assert.equal(
      await as(root, ApiKeyService.method.createApiKey, { name: "x", scopes: ["o*"] }),
      "INVALID_ARGUMENT scopes[0]",
    );
  });

  it("tells of one's own roles, and of others' with the permission", async () => {
    const { as, boss, ada } = await setup();
    for (const method of [getUserRoles, listUserPermissions]) {
      assert.equal(await as(ada, method, {}), "ok");
      assert.equal(await as(ada, method, { userId: BigInt(ada.id) }), "ok");
      assert.equal(await as(ada, method, { userId: BigInt(boss.id) }), "PERMISSION_DENIED");
      assert.equal(await as(boss, method, { userId: BigInt(ada.id) }), "ok");
    }
  });
});
