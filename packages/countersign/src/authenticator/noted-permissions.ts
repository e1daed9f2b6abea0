import { compilePermissions, type PermissionSet } from "../core/permission-set.ts";

/** Hears of a scope of a key that said yes to something: at least once for each. */
export type OnScopeUsed = (keyId: string, scope: string) => void;

export interface NotedPermissionsOptions {
  readonly limits: PermissionSet;
  readonly keyId: string;
  readonly scopes: readonly string[];
  readonly onScopeUsed: OnScopeUsed;
}

/** How many names are remembered as told of already. */
const rememberedNames = 256;

/** What a key was limited to, and which of that was ever asked for. A question costs one look-up more than without. */
export class NotedPermissions implements PermissionSet {
  readonly #options: NotedPermissionsOptions;
  #told = new Set<string>();

  constructor(options: NotedPermissionsOptions) {
    this.#options = options;
  }

  has(permission: string): boolean {
    if (!this.#options.limits.has(permission)) return false;
    if (!this.#told.has(permission)) this.#tell(permission);
    return true;
  }

  denies(permission: string): boolean {
    return this.#options.limits.denies?.(permission) === true;
  }

  hasRole(role: string): boolean {
    return this.#options.limits.hasRole?.(role) === true;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#options.limits[Symbol.iterator]();
  }

  #tell(permission: string): void {
    const { keyId, scopes, onScopeUsed } = this.#options;
    if (this.#told.size >= rememberedNames) this.#told = new Set();
    this.#told.add(permission);
    for (const scope of scopes) if (compilePermissions([scope]).has(permission)) onScopeUsed(keyId, scope);
  }
}
