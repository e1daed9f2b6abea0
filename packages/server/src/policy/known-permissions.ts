import { parsePermission, type RoleSource } from "countersign";

/**
 * The permissions that roles of the installation grant by their whole names: rules may ask for them without declaring them
 * anew. What a tenant makes of its roles has no say in what exists.
 */
export async function knownPermissions(roles: RoleSource): Promise<readonly string[]> {
  const granted = (await roles.load())
    .filter(({ name }) => !name.includes("/"))
    .flatMap(({ permissions }) => permissions);
  return [...new Set(granted.filter(isWholeName))];
}

function isWholeName(text: string): boolean {
  return parsePermission(text) !== undefined && !/[!*]/.test(text);
}
