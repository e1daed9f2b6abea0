import type { RoleRecord } from "./role-contracts.ts";

type BuiltInRole = Pick<RoleRecord, "name" | "description" | "permissions" | "inherits">;

/** Roles that every store has: what administrators need, and no more. None of them reaches a superuser's account. */
export const builtInRoles: readonly BuiltInRole[] = Object.freeze([
  {
    name: "admin",
    description: "Manages accounts, sessions, API keys and roles; as any role, within what its holder may do",
    permissions: ["auth.users:*", "auth.keys:*", "auth.sessions:*", "auth.roles:*"],
    inherits: [],
  },
  {
    name: "key-manager",
    description: "Looks at accounts, and makes, looks at and revokes API keys",
    permissions: ["auth.users:read", "auth.keys:read", "auth.keys:write"],
    inherits: [],
  },
  {
    name: "viewer",
    description: "Looks at accounts, sessions, API keys and roles, and changes nothing",
    permissions: ["auth.users:read", "auth.keys:read", "auth.sessions:read", "auth.roles:read"],
    inherits: [],
  },
]);
