import { useQuery } from "@connectrpc/connect-query";
import { AuthService } from "./protos.ts";

/** Who is logged in, and what that allows. The server decides; this is for what the page offers. */
export function useMe() {
  const { data } = useQuery(AuthService.method.whoAmI, {}, { staleTime: 30_000 });
  const isSuperuser = data?.user?.isSuperuser ?? false;
  const patterns = data?.permissions ?? [];
  return {
    userId: data?.userId ?? "",
    user: data?.user,
    roles: data?.roles ?? [],
    can: (permission: string): boolean => holds(patterns, permission, isSuperuser),
  };
}

/** `auth.keys:read` is granted by itself, by `auth.keys:*`, by `*:read` and by `**`; a denial beats them all. */
export function holds(patterns: readonly string[], permission: string, isSuperuser: boolean): boolean {
  const matches = (pattern: string): boolean => {
    const [resource, action] = split(permission);
    const [wantedResource, wantedAction] = split(pattern);
    if (pattern === "**" || pattern === permission) return true;
    if (wantedAction === undefined || action === undefined) return false;
    return (
      (wantedResource === "*" || wantedResource === resource) &&
      (wantedAction === "*" || wantedAction === action)
    );
  };
  if (patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1)))) return false;
  return isSuperuser || patterns.some(matches);
}

function split(name: string): [string, string | undefined] {
  const at = name.lastIndexOf(":");
  return at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
}
