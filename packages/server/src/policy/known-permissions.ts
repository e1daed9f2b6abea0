import { parsePermission, type RoleSource } from "countersign";

/** The permissions that roles grant by their whole names: rules may ask for them without declaring them anew. */
export async function knownPermissions(roles: RoleSource): Promise<readonly string[]> {
  const granted = (await roles.load()).flatMap(({ permissions }) => permissions);
  return [...new Set(granted.filter(isWholeName))];
}

function isWholeName(text: string): boolean {
  return parsePermission(text) !== undefined && !/[!*]/.test(text);
}
