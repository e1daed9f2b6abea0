import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FieldViolation } from "../core/call-error.ts";
import { permissionProblem } from "../core/permission.ts";
import type { Permission, PermissionSchema } from "../gen/auth/v1/roles_pb.ts";

/** A permission as it is written everywhere else: `orders:read`, `!orders:delete`. */
export function permissionText({ resource, action, deny }: Permission): string {
  return `${deny ? "!" : ""}${action === "" ? resource : `${resource}:${action}`}`;
}

/** The message of a permission that is written in that way. */
export function permissionMessage(text: string): MessageInitShape<typeof PermissionSchema> {
  const deny = text.startsWith("!");
  const body = deny ? text.slice(1) : text;
  const colon = body.indexOf(":");
  const action = colon === -1 ? "" : body.slice(colon + 1);
  return { resource: action === "" ? body : body.slice(0, colon), action, deny };
}

/** What is wrong with the first permission that is none. */
export function permissionViolation(
  field: string,
  permissions: readonly Permission[],
): FieldViolation | undefined {
  for (const [index, permission] of permissions.entries()) {
    const problem = permission.resource.startsWith("!")
      ? "a denial has `deny` set, and no ! in front"
      : permissionProblem(permissionText(permission));
    if (problem !== undefined) return { field: `${field}[${index}]`, description: problem };
  }
  return undefined;
}
