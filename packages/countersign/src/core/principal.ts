/** What a principal may do. A `Set<string>` fits. */
export interface PermissionSet extends Iterable<string> {
  has(permission: string): boolean;
}

/** The API key that a call came with: the record, never the secret. */
export interface ApiKeyIdentity {
  /** The public part of the key. */
  readonly id: string;
  readonly name: string;
  /** `service`, `cli`, `webhook`, `internal`, `development`, or `static` for a key from configuration. */
  readonly type: string;
  /** What the key was limited to; empty for all of its owner's rights, except managing keys and accounts. */
  readonly scopes: readonly string[];
}

/** Who is calling. Built by an authenticator, kept on the server's side, never written to metadata or headers. */
export interface Principal {
  /** A decimal string in the program; any stable string in a library without a store. */
  readonly userId: string;
  readonly username: string | undefined;
  readonly email: string | undefined;
  readonly isStaff: boolean;
  readonly isSuperuser: boolean;
  readonly roles: readonly string[];
  readonly permissions: PermissionSet;
  /** `jwt`, `api_key`, or the name that an authenticator was given. */
  readonly authenticator: string;
  /** The verified claims of a token; empty for every other credential. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly apiKey: ApiKeyIdentity | undefined;
  /** The program that calls on the user's behalf: an API key's id, or a token's `client_id`. */
  readonly clientId: string | undefined;
  /** The session of ours that the token belongs to. Another issuer's `sid` is none of ours, and stays a claim. */
  readonly sessionId?: string | undefined;
}

/** No permission at all, shared by every principal that has none. */
export const noPermissions: PermissionSet = Object.freeze({
  has: () => false,
  [Symbol.iterator]: () => [][Symbol.iterator](),
});

/** Claims of a credential that has none. */
export const noClaims: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * May this principal do `permission`? A superuser may do everything. A key may do what its scopes name; without
 * scopes it has its owner's rights, except managing keys and accounts (permissions that begin with `auth.`).
 */
export function grants(principal: Principal, permission: string): boolean {
  const { apiKey } = principal;
  if (apiKey !== undefined && !keyCovers(apiKey, permission)) return false;
  return principal.isSuperuser || principal.permissions.has(permission);
}

function keyCovers(apiKey: ApiKeyIdentity, permission: string): boolean {
  return apiKey.scopes.length === 0 ? !permission.startsWith("auth.") : apiKey.scopes.includes(permission);
}
