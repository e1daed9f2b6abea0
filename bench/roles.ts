import {
  createRoleDirectory,
  grants,
  type PermissionSet,
  type Principal,
  type RoleDefinition,
} from "countersign";
import { compete, type Figure } from "./measure.ts";

export interface RolesResult {
  readonly figures: readonly Figure[];
  /** Milliseconds until the first check is answered after one role of many has changed. */
  readonly afterChange: { readonly reload: number; readonly oneRole: number; readonly allRoles: number };
}

const roleCount = 1000;
const permissionCount = 100;
const names = Array.from({ length: roleCount }, (_, index) => `role-${index}`);

/** Every tenth has wildcards and a denial besides. */
const definitions: readonly RoleDefinition[] = names.map((name, role) => ({
  name,
  permissions: [
    ...Array.from({ length: permissionCount }, (_, index) => `resource-${role}:action-${index}`),
    ...(role % 10 === 0 ? [`wild-${role}:*`, `*:wild-${role}`, `!denied-${role}:*`] : []),
  ],
}));

/** Warm checks of permissions, with 1,000 roles of 100 permissions. */
export async function roleChecks(): Promise<RolesResult> {
  const directory = await createRoleDirectory({ source: { load: () => definitions } });
  const one = principal(directory.permissionsOf(["role-500"]));
  const all = principal(directory.permissionsOf(names));
  const root = principal(directory.permissionsOf(names), { isSuperuser: true });
  const spread = Array.from(
    { length: 1024 },
    (_, index) => `resource-${(index * 37) % roleCount}:action-${index % 100}`,
  );
  const check = (who: Principal, asked: readonly string[], expected: boolean) => (operations: number) => {
    const last = asked.length - 1;
    for (let index = 0; index < operations; index++) {
      if (grants(who, asked[index & last] ?? "") !== expected)
        throw new Error("a check has one right answer");
    }
  };
  const figures = await compete(15, 200_000, {
    "one role, granted": check(one, ["resource-500:action-7"], true),
    "one role, not granted": check(one, ["resource-1:action-7"], false),
    "1,000 roles, granted": check(all, ["resource-500:action-7"], true),
    "1,000 roles, 1,024 names": check(all, spread, true),
    "1,000 roles, not granted": check(all, ["other:action"], false),
    "1,000 roles, by a wildcard": check(all, ["wild-10:anything"], true),
    "1,000 roles, denied": check(all, ["denied-10:action-1"], false),
    "superuser with 1,000 roles": check(root, spread, true),
  });
  return { figures, afterChange: await afterChange() };
}

async function afterChange(): Promise<RolesResult["afterChange"]> {
  const directory = await createRoleDirectory({ source: { load: () => definitions } });
  const [one, all] = [directory.permissionsOf(["role-500"]), directory.permissionsOf(names)];
  const timed = async (work: () => unknown): Promise<number> => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  return {
    reload: await timed(() => directory.reload()),
    oneRole: await timed(() => one.has("resource-500:action-7")),
    allRoles: await timed(() => all.has("resource-500:action-7")),
  };
}

function principal(permissions: PermissionSet, more: Partial<Principal> = {}): Principal {
  const nobody = { username: undefined, email: undefined, apiKey: undefined, clientId: undefined };
  const flags = { isStaff: false, isSuperuser: false, roles: [], authenticator: "bench", claims: {} };
  return { userId: "1", ...nobody, ...flags, permissions, ...more };
}
