import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { principalOf } from "../authenticator/account.ts";
import { CallContext } from "../context/call-context.ts";
import { CallError } from "../core/call-error.ts";
import { allow } from "../core/decision.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import { grants, type Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { ApiKeyService } from "../gen/auth/v1/api_keys_pb.ts";
import { RoleService } from "../gen/auth/v1/roles_pb.ts";
import { UserService } from "../gen/auth/v1/users_pb.ts";
import { createKeyDigests } from "../keys/key-digest.ts";
import { createMemoryStore } from "../store/memory.ts";
import { createApiKeyService } from "./api-key-service.ts";
import { permissionMessage } from "./permission-message.ts";
import { createRoleService } from "./role-service.ts";
import { createUserService } from "./user-service.ts";

type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

/** The services over one store, with a tenant that is administered by its own superuser. */
async function setup() {
  const store = createMemoryStore();
  const { users, sessions, totp, identities, roles, tenants } = store;
  const directory = await createRoleDirectory({ source: roles });
  const caughtUp = async (): Promise<void> => directory.reload();
  const digests = createKeyDigests([{ id: "p1", secret: new Uint8Array(32).fill(7) }]);
  const common = { roles: directory, caughtUp };
  const services: Readonly<Record<string, object>> = {
    [RoleService.typeName]: createRoleService({ store, ...common }),
    [UserService.typeName]: createUserService({
      ...{ users, sessions, totp, identities, ...common, hashPassword: async () => "hash" },
      tenantOfIssuer: (issuer) => (issuer === "https://id.acme.example" ? "acme" : undefined),
    }),
    [ApiKeyService.typeName]: createApiKeyService({ store, ...common, digests, environment: "dev" }),
  };
  for (const id of ["acme", "globex"]) await tenants.create({ id }, "system");
  await roles.create({ name: "shared", permissions: ["orders:read"] }, "system");
  await roles.create({ name: "installer", permissions: ["auth.tenants:*", "auth.signing_keys:*"] }, "system");
  const [root, boss, admin, ada] = [
    await users.create({ username: "root", isSuperuser: true }),
    await users.create({ username: "boss", isSuperuser: true, tenantId: "acme" }),
    await users.create({ username: "admin", roles: ["admin"], tenantId: "acme" }),
    await users.create({ username: "ada", tenantId: "acme" }),
  ];
  await caughtUp();

  async function principal(id: string): Promise<Principal> {
    const user = (await users.load(id)) ?? assert.fail();
    return principalOf(user, { authenticator: "jwt" }, directory);
  }
  /** The answer, or what the call was refused with. */
  async function as<M extends DescMethodUnary>(
    caller: { readonly id: string } | Principal,
    method: M,
    request: MessageInitShape<M["input"]>,
  ): Promise<unknown> {
    const who = "id" in caller ? await principal(caller.id) : caller;
    const handlers = services[method.parent.typeName] as Readonly<Record<string, Handler>>;
    const context = new CallContext(fakeCall("/"), allow(who, "jwt"), undefined);
    try {
      return await handlers[method.localName]?.(create(method.input, request), context);
    } catch (error) {
      if (error instanceof Refusal) return error.denial.reason;
      if (!(error instanceof CallError)) throw error;
      return [error.status, ...error.violations.map(({ field }) => field)].join(" ");
    }
  }
  return { store, directory, principal, as, root, boss, admin, ada };
}

const { createUser, updateUser, setPassword, linkIdentity } = UserService.method;
const { createRole, updateRole, deleteRole, assignRole } = RoleService.method;
const { createApiKey } = ApiKeyService.method;
/** What only the installation may. */
const reserved = ["auth.tenants:write", "auth.signing_keys:write", "auth.policy:read", "auth.tokens:mint"];

describe("a tenant's superuser", () => {
  it("makes what belongs to the tenant, and nothing that belongs elsewhere", async () => {
    const { store, as, boss, admin } = await setup();
    for (const caller of [boss, admin]) {
      for (const tenant of ["globex", "nobody", "Acme", "/"])
        assert.equal(
          await as(caller, createUser, { username: "x", tenant }),
          "INVALID_ARGUMENT tenant",
          tenant,
        );
    }
    await as(boss, createUser, { username: "eve", isSuperuser: true });
    const eve = await store.users.findByUsername("eve");
    assert.deepEqual([eve?.tenantId, eve?.isSuperuser], ["acme", true]);
    await as(boss, createRole, {
      name: "lead",
      permissions: ["**"].map(permissionMessage),
      inherits: ["shared"],
    });
    assert.deepEqual(await store.roles.find("lead"), undefined);
    assert.equal((await store.roles.find("acme/lead"))?.tenantId, "acme");
    assert.equal(await as(boss, createRole, { name: "acme/lead" }), "ALREADY_EXISTS name");
    assert.equal(await as(boss, createRole, { name: "acme/x", tenant: "globex" }), "INVALID_ARGUMENT tenant");
    assert.equal(await as(boss, createRole, { name: "globex/x" }), "INVALID_ARGUMENT tenant");
    assert.equal(await as(boss, createRole, { name: "a/b/c" }), "INVALID_ARGUMENT tenant");
    await as(boss, createApiKey, { name: "k", scopes: ["**", "superuser"] });
    const [key] = await store.apiKeys.list({ limit: 1, now: new Date() });
    assert.deepEqual([key?.userId, key?.tenantId], [boss.id, "acme"]);
  });

  it("gets to nothing that is the installation's by any role, scope or flag", async () => {
    const { store, directory, principal, as, boss, ada } = await setup();
    const own = BigInt(boss.id);
    await as(boss, createRole, { name: "all", permissions: ["**", "auth.tenants:*"].map(permissionMessage) });
    for (const role of ["acme/all", "installer", "admin"]) await as(boss, assignRole, { userId: own, role });
    await as(boss, assignRole, { userId: BigInt(ada.id), role: "installer" });
    await as(boss, updateUser, { id: BigInt(ada.id), isStaff: true, isSuperuser: true });
    assert.deepEqual((await store.users.load(boss.id))?.roles, ["acme/all", "admin", "installer"]);
    const owner = (await store.users.load(boss.id)) ?? assert.fail();
    const scopes = ["**", "superuser", "staff", ...reserved];
    const identity = { id: "k", name: "k", type: "cli", scopes, roles: ["installer"] };
    const key = principalOf(owner, { authenticator: "api_key", apiKey: identity }, directory);
    for (const who of [await principal(boss.id), await principal(ada.id), key]) {
      for (const permission of reserved) assert.equal(grants(who, permission), false, permission);
      assert.equal(grants(who, "auth.users:write"), true);
      assert.equal(grants(who, "orders:delete"), true, "of the application");
    }
  });

  it("reads and assigns the installation's roles, and changes none of them", async () => {
    const { store, as, boss, ada, root } = await setup();
    const before = await store.roles.load();
    const description = "mine";
    assert.equal(await as(boss, updateRole, { name: "shared", description }), "PERMISSION_DENIED");
    assert.equal(
      await as(boss, updateRole, { name: "shared", addInherits: ["viewer"] }),
      "PERMISSION_DENIED",
    );
    for (const force of [false, true])
      assert.equal(await as(boss, deleteRole, { name: "shared", force }), "PERMISSION_DENIED");
    assert.equal(await as(boss, deleteRole, { name: "nobody" }), "NOT_FOUND");
    assert.deepEqual(await store.roles.load(), before);
    assert.notEqual(
      await as(boss, assignRole, { userId: BigInt(ada.id), role: "shared" }),
      "PERMISSION_DENIED",
    );
    assert.deepEqual((await store.users.load(ada.id))?.roles, ["shared"]);
    assert.equal(await as(boss, assignRole, { userId: BigInt(root.id), role: "shared" }), "NOT_FOUND");
    assert.equal(
      await as(boss, setPassword, { id: BigInt(root.id), password: "seven rivers meet" }),
      "NOT_FOUND",
    );
  });

  it("links identities of its own issuer alone, and that issuer speaks for nobody else", async () => {
    const { store, as, boss, ada, root } = await setup();
    const [issuer, shared, subject] = ["https://id.acme.example", "https://id.example", "s"];
    const link = (caller: { id: string }, user: { id: string }, from: string) =>
      as(caller, linkIdentity, { userId: BigInt(user.id), issuer: from, subject });
    assert.equal(await link(boss, ada, shared), "PERMISSION_DENIED");
    assert.equal(await link(root, root, issuer), "INVALID_ARGUMENT issuer");
    assert.equal(await store.identities.find(issuer, subject), undefined);
    await link(boss, ada, issuer);
    assert.equal((await store.identities.find(issuer, subject))?.userId, ada.id);
    await link(root, ada, shared);
    assert.equal((await store.identities.find(shared, subject))?.userId, ada.id);
  });
});

describe("the installation's superuser", () => {
  it("administers every tenant, and keeps them apart all the same", async () => {
    const { store, as, root, ada } = await setup();
    await as(root, createUser, { username: "bob", tenant: "globex" });
    const bob = (await store.users.findByUsername("bob")) ?? assert.fail();
    assert.equal(bob.tenantId, "globex");
    assert.equal(await as(root, createUser, { username: "x", tenant: "nobody" }), "INVALID_ARGUMENT tenant");
    await as(root, createRole, { name: "lead", tenant: "acme" });
    await as(root, createRole, { name: "lead" });
    const [userId, name] = [BigInt(ada.id), "acme/lead"];
    await as(root, assignRole, { userId, role: name });
    assert.deepEqual((await store.users.load(ada.id))?.roles, [name]);
    assert.equal(await as(root, assignRole, { userId: BigInt(bob.id), role: name }), "INVALID_ARGUMENT role");
    assert.equal(
      await as(root, createUser, { username: "x", roles: [name] }),
      "INVALID_ARGUMENT roles",
      "of no tenant",
    );
    assert.equal(await as(root, createRole, { name: "x", inherits: [name] }), "INVALID_ARGUMENT inherits");
    assert.equal(
      await as(root, createApiKey, { name: "x", userId: BigInt(bob.id), roles: [name] }),
      "INVALID_ARGUMENT roles",
    );
    await as(root, updateRole, { name, description: "theirs" });
    assert.equal((await store.roles.find(name))?.description, "theirs");
  });
});
