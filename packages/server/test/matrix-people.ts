import { createKeyDigests, generateApiKey } from "countersign/api-key";
import { createJwtForUser } from "countersign/jwt";
import type { NewApiKey, NewUser, UserRecord } from "countersign/store";
import { peppersOf } from "../src/stored-keys.ts";
import type { Credential } from "./doors.ts";
import type { InProcessNode } from "./in-process-node.ts";

/** A token of this node's for a user. */
export function tokenOf({ signing }: Pick<InProcessNode, "signing">, user: UserRecord): string {
  return createJwtForUser(user, { key: signing.signer(), expiresIn: 900 });
}

export function bearerOf(node: Pick<InProcessNode, "signing">, user: UserRecord): Credential {
  return ["authorization", `Bearer ${tokenOf(node, user)}`];
}

/** A key of somebody's, put into the store. */
export async function makeKey(
  { config, store }: Pick<InProcessNode, "config" | "store">,
  owner: UserRecord,
  limits: Pick<NewApiKey, "scopes" | "roles"> = {},
): Promise<{ readonly id: string; readonly key: string }> {
  const { id, body, key } = generateApiKey("dev");
  const digest = createKeyDigests(peppersOf(config)).digest(body);
  await store.apiKeys.create({ ...digest, id, name: id, type: "service", userId: owner.id, ...limits });
  return { id, key };
}

/** Everybody that the matrix knows, by column. */
export async function matrixPeople(node: InProcessNode): Promise<Readonly<Record<string, Credential>>> {
  const { store } = node;
  const user = (username: string, more: Omit<NewUser, "username"> = {}): Promise<UserRecord> =>
    store.users.create({ username, email: `${username}@example.com`, ...more });
  for (const id of ["acme", "globex", "closed"]) await store.tenants.create({ id }, "system");
  const superuser = await user("root", { isStaff: true, isSuperuser: true });
  const disabled = await user("gone", { isStaff: true, isSuperuser: true });
  const boss = await user("boss", { isStaff: true, isSuperuser: true, tenantId: "acme" });
  const theirs = await user("closed", { isStaff: true, isSuperuser: true, tenantId: "closed" });
  const scoped = await makeKey(node, superuser, { scopes: ["users:list", "auth.users:read"] });
  const bosses = await makeKey(node, boss, { scopes: ["**", "superuser"] });
  const bearer = (owner: UserRecord): Credential => bearerOf(node, owner);
  const people = {
    anonymous: undefined,
    plain: bearer(await user("plain")),
    staff: bearer(await user("sam", { isStaff: true })),
    superuser: bearer(superuser),
    "scoped key": ["x-api-key", scoped.key] as const,
    "disabled user": bearer(disabled),
    "a tenant's user": bearer(await user("ada", { tenantId: "acme" })),
    "a tenant's superuser": bearer(boss),
    "a tenant's key": ["x-api-key", bosses.key] as const,
    "another tenant's admin": bearer(await user("bob", { tenantId: "globex", roles: ["admin"] })),
    "a disabled tenant's superuser": bearer(theirs),
  };
  await store.users.update(disabled.id, { isActive: false });
  await store.tenants.setDisabled("closed", true, "system");
  await node.caughtUp();
  return people;
}
