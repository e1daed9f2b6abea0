import type { Permission } from "../api/protos.ts";

/** `orders:read`, `!orders:delete`. */
export function permissionText({ resource, action, deny }: Permission): string {
  return `${deny ? "!" : ""}${resource}${action ? `:${action}` : ""}`;
}

/** The same the other way round. */
export function readPermission(line: string): { resource: string; action: string; deny: boolean } {
  const deny = line.startsWith("!");
  const name = deny ? line.slice(1) : line;
  const at = name.lastIndexOf(":");
  return { deny, resource: at < 0 ? name : name.slice(0, at), action: at < 0 ? "" : name.slice(at + 1) };
}
