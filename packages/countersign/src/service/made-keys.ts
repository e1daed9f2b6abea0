import { grants, keyNames, type Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { ApiKeyRecord, ApiKeyStore, UserStore } from "../store/contracts.ts";
import { type Roles, requireRank } from "./rank.ts";

/** One's own keys, unless one came with a key that was not granted it; others' (or all: undefined) with the permission. */
export function mayManageKeys(caller: Principal, userId: string | undefined, permission: string): boolean {
  if (grants(caller, permission)) return true;
  if (userId !== caller.userId) return false;
  return caller.apiKey === undefined || keyNames(caller.apiKey, permission);
}

export interface KeyRevocation {
  readonly keys: ApiKeyStore;
  readonly users: Pick<UserStore, "load">;
  readonly roles: Roles;
  readonly caller: Principal;
  readonly reason: string;
}

/** Refuses to revoke a key of someone who may do more than the caller. */
export async function requireKeyRank(
  { users, roles, caller }: Pick<KeyRevocation, "users" | "roles" | "caller">,
  key: ApiKeyRecord,
): Promise<void> {
  const owner = key.userId === caller.userId ? undefined : await users.load(key.userId);
  if (owner !== undefined) requireRank(caller, owner, roles);
}

const pageSize = 100;

/** The keys that a key made and that are not revoked. */
export async function madeKeysOf(keys: ApiKeyStore, madeBy: string): Promise<readonly ApiKeyRecord[]> {
  const made: ApiKeyRecord[] = [];
  let after: { readonly createdAt: Date; readonly id: string } | undefined;
  for (;;) {
    const page = await keys.list({ limit: pageSize, madeBy, after, now: new Date() });
    made.push(...page.filter(({ revokedAt }) => revokedAt === undefined));
    after = page.at(-1);
    if (page.length < pageSize) return made;
  }
}

/**
 * Revokes what a revoked key made, and what that made. Nothing is added meanwhile: a revoked key makes no more. What the
 * caller may not revoke stays, and is named.
 */
export async function revokeMadeKeys(
  revocation: KeyRevocation,
  madeBy: string,
): Promise<{ readonly revokedKeys: string[]; readonly madeKeys: ApiKeyRecord[] }> {
  const { keys, caller, reason } = revocation;
  const [revokedKeys, madeKeys]: [string[], ApiKeyRecord[]] = [[], []];
  const makers = [madeBy];
  for (let maker = makers.pop(); maker !== undefined; maker = makers.pop()) {
    for (const key of await madeKeysOf(keys, maker)) {
      if (!(await mayRevoke(revocation, key))) {
        madeKeys.push(key);
        continue;
      }
      await keys.revoke(key.id, { reason, by: caller.userId });
      revokedKeys.push(key.id);
      makers.push(key.id);
    }
  }
  return { revokedKeys, madeKeys };
}

async function mayRevoke(revocation: KeyRevocation, key: ApiKeyRecord): Promise<boolean> {
  if (!mayManageKeys(revocation.caller, key.userId, "auth.keys:write")) return false;
  try {
    await requireKeyRank(revocation, key);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
