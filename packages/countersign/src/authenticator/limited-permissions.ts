import { compilePermissions, meetOfLists, type PermissionSet } from "../core/permission-set.ts";

export interface LimitedPermissionsOptions {
  /** What the key was limited to. */
  readonly limits: PermissionSet;
  /** What its owner holds now. */
  readonly owned: PermissionSet;
  /** The owner may do all that is not denied. */
  readonly isSuperuser: boolean;
}

/** What a limited key may do: no more than its limits say, and no more than its owner may now. Live as these are. */
export class LimitedPermissions implements PermissionSet {
  readonly #limits: PermissionSet;
  readonly #owned: PermissionSet;
  readonly #isSuperuser: boolean;

  constructor({ limits, owned, isSuperuser }: LimitedPermissionsOptions) {
    this.#limits = limits;
    this.#owned = owned;
    this.#isSuperuser = isSuperuser;
  }

  has(permission: string): boolean {
    if (!this.#limits.has(permission)) return false;
    return this.#isSuperuser ? this.#owned.denies?.(permission) !== true : this.#owned.has(permission);
  }

  denies(permission: string): boolean {
    return this.#limits.denies?.(permission) === true || this.#owned.denies?.(permission) === true;
  }

  hasRole(role: string): boolean {
    return this.#limits.hasRole?.(role) === true && this.#owned.hasRole?.(role) === true;
  }

  [Symbol.iterator](): Iterator<string> {
    const owned = this.#isSuperuser ? compilePermissions(["**", ...denials(this.#owned)]) : this.#owned;
    return meetOfLists(this.#limits, owned)[Symbol.iterator]();
  }
}

function denials(permissions: PermissionSet): readonly string[] {
  return [...permissions].filter((text) => text.startsWith("!"));
}
