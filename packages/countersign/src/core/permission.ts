/**
 * The language of permissions. A permission is a name: `orders:read` (resource and action, parted by the first colon),
 * Django's `shop.change_order`, or any other text. A pattern stands for several: `orders:*` for every action on a
 * resource, `*:read` for one action on every resource, `**` for everything. After `!` it is a denial, which beats
 * every grant.
 */
export interface PermissionPattern {
  /** As it was written. */
  readonly text: string;
  readonly deny: boolean;
  readonly kind: "name" | "resource" | "action" | "all";
  /** The name, the resource or the action; empty for `all`. */
  readonly value: string;
}

/** Longest name or pattern, in characters. */
const longest = 100;

/** Visible ASCII; a comma parts the members of lists elsewhere. */
const characters = /^[\x21-\x2b\x2d-\x7e]+$/;

/** Reads a pattern; undefined for what is none. */
export function parsePermission(text: string): PermissionPattern | undefined {
  const deny = text.startsWith("!");
  const body = deny ? text.slice(1) : text;
  if (body.length > longest || !characters.test(body) || body.startsWith("!")) return undefined;
  if (body === "**") return { text, deny, kind: "all", value: "" };
  if (!body.includes("*")) return { text, deny, kind: "name", value: body };
  const colon = body.indexOf(":");
  const [resource, action] = [body.slice(0, Math.max(colon, 0)), body.slice(colon + 1)];
  if (action === "*" && isPart(resource)) return { text, deny, kind: "resource", value: resource };
  if (resource === "*" && isPart(action)) return { text, deny, kind: "action", value: action };
  return undefined;
}

function isPart(text: string): boolean {
  return text !== "" && !text.includes("*");
}

/** What is wrong with a pattern, for whoever wrote it; undefined if nothing is. */
export function permissionProblem(text: string): string | undefined {
  if (parsePermission(text) !== undefined) return undefined;
  const body = text.replace(/^!/, "");
  if (body.length > longest || !characters.test(body)) {
    return `1 to ${longest} visible ASCII characters, no comma`;
  }
  if (body.startsWith("!")) return "one ! denies, and stands in front";
  return "a wildcard stands for a whole resource or a whole action: orders:*, *:read, or ** for everything";
}

/** Throws a `TypeError` unless it is the name of one permission: what is required cannot be a pattern. */
export function requirePermissionName(owner: string, permission: string): void {
  const pattern = typeof permission === "string" ? parsePermission(permission) : undefined;
  if (pattern !== undefined && pattern.kind === "name" && !pattern.deny) return;
  throw new TypeError(
    pattern === undefined
      ? `${owner}() takes the name of a permission, such as orders:read`
      : `${owner}() takes the name of one permission, and "${permission}" is a pattern`,
  );
}

/** The two parts of a name; undefined for a name without a colon. */
export interface PermissionParts {
  readonly resource: string;
  readonly action: string;
}

/** Names that were taken apart: guards ask about the same few. */
const known = new Map<string, PermissionParts | undefined>();
const mostKnown = 4096;

/** Takes a name apart, and remembers it: no allocation the next time. */
export function partsOfPermission(permission: string): PermissionParts | undefined {
  const found = known.get(permission);
  if (found !== undefined || known.has(permission)) return found;
  const colon = permission.indexOf(":");
  const parts =
    colon === -1 ? undefined : { resource: permission.slice(0, colon), action: permission.slice(colon + 1) };
  // Some applications ask about names that callers make up.
  if (permission.length > longest) return parts;
  if (known.size >= mostKnown) known.clear();
  known.set(permission, parts);
  return parts;
}

/** What both patterns stand for, as a pattern without `!`; undefined if there is nothing. */
export function meetOf(one: PermissionPattern, other: PermissionPattern): string | undefined {
  if (includesPattern(one, other)) return other.text.replace(/^!/, "");
  if (includesPattern(other, one)) return one.text.replace(/^!/, "");
  const pair = [one, other];
  const resource = pair.find(({ kind }) => kind === "resource");
  const action = pair.find(({ kind }) => kind === "action");
  return resource !== undefined && action !== undefined ? `${resource.value}:${action.value}` : undefined;
}

/** Whether the first stands for everything that the second does, denials apart. */
export function includesPattern(one: PermissionPattern, other: PermissionPattern): boolean {
  if (one.kind === "all") return true;
  if (one.kind === other.kind) return one.value === other.value;
  if (other.kind !== "name" || one.kind === "name") return false;
  const parts = partsOfPermission(other.value);
  return parts !== undefined && parts[one.kind] === one.value;
}
