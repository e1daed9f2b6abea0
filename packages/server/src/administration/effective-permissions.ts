import { compilePermissions } from "countersign";
import { permissionText, RoleService } from "countersign/descriptors";
import { failureOf } from "../terminal/failure.ts";
import type { Administration } from "./administration.ts";

/**
 * What a user's roles allow together, as patterns; for a superuser `**`. Undefined where the caller may not know, or the
 * server has no roles.
 */
export async function effectivePermissions(
  administration: Administration,
  userId: bigint,
): Promise<readonly string[] | undefined> {
  try {
    const request = { userId };
    const { listUserPermissions } = RoleService.method;
    const { isSuperuser, permissions } = await administration.call(listUserPermissions, request);
    const texts = permissions.flatMap(({ permission }) => permission ?? []).map(permissionText);
    return [...compilePermissions(isSuperuser ? ["**", ...texts] : texts)];
  } catch (error) {
    const status = failureOf(error)?.status;
    if (status === "PERMISSION_DENIED" || status === "UNIMPLEMENTED") return undefined;
    throw error;
  }
}
