import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { RoleSchema, UserPermissionSchema, UserRolesSchema } from "../gen/auth/v1/roles_pb.ts";
import type { RoleRecord } from "../store/role-contracts.ts";
import { permissionMessage } from "./permission-message.ts";

/** A role as the API shows it. */
export function roleMessage(role: RoleRecord): MessageInitShape<typeof RoleSchema> {
  return {
    name: role.name,
    permissions: role.permissions.map(permissionMessage),
    description: role.description,
    inherits: [...role.inherits],
    builtIn: role.builtIn,
    tenant: role.tenantId ?? "",
    createdAt: timestampFromDate(role.createdAt),
    updatedAt: timestampFromDate(role.updatedAt),
  };
}

/** The roles that a user was given. */
export function userRolesMessage(
  userId: string,
  roles: readonly string[],
): MessageInitShape<typeof UserRolesSchema> {
  return { userId, roleNames: [...roles] };
}

/** Each permission of these roles and of what they inherit, with the roles that it comes from. */
export function userPermissions(
  directory: RoleDirectory,
  assigned: readonly string[],
): MessageInitShape<typeof UserPermissionSchema>[] {
  return assigned.flatMap((through) =>
    [...directory.withInherited([through]).values()].flatMap(({ name, permissions }) =>
      permissions.map((text) => ({ permission: permissionMessage(text), role: name, through })),
    ),
  );
}
