import type { RoleRecord } from "./role-contracts.ts";

type BuiltInRole = Pick<RoleRecord, "name" | "description" | "permissions" | "inherits">;

/** What there is to look at. In a tenant those count that tenants may have (`core/tenant.ts`). */
const reading = [
  "auth.users:read",
  "auth.keys:read",
  "auth.sessions:read",
  "auth.roles:read",
  "auth.logs:read",
  "auth.audit:read",
  "auth.limits:read",
  "auth.policy:read",
  "auth.signing_keys:read",
  "auth.system:read",
  "auth.tenants:read",
];

/** Roles that every store has: what administrators need, and no more. None of them reaches a superuser's account. */
export const builtInRoles: readonly BuiltInRole[] = Object.freeze([
  {
    name: "admin",
    description:
      "Manages accounts, sessions, API keys and roles, as any role within what its holder may do; looks at everything else",
    permissions: ["auth.users:*", "auth.keys:*", "auth.sessions:*", "auth.roles:*", ...reading.slice(4)],
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
    description: "Looks at everything that the program shows, and changes nothing",
    permissions: reading,
    inherits: [],
  },
]);
