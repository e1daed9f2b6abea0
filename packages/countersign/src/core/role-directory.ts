import { andThen, type MaybePromise } from "./decision.ts";
import { type PermissionPattern, parsePermission } from "./permission.ts";
import { CompiledPermissions, compilePermissions, type PermissionSet } from "./permission-set.ts";
import type { Revocations } from "./revocation.ts";
import {
  inheritanceProblem,
  type RoleDefinition,
  type RoleSource,
  roleViolations,
  withInherited,
} from "./role.ts";

export interface RoleDirectoryOptions {
  readonly source: RoleSource;
  /** Is told of each `reload()`, so that open streams are judged again. Leave it out where a follower does that. */
  readonly revocations?: Revocations | undefined;
}

/** All roles, in memory, and what they give. */
export interface RoleDirectory {
  /**
   * The permissions of these roles and of these patterns, live: after `reload()` the same set answers by the new
   * roles. A role that is unknown gives nothing. The same names give the same set.
   */
  permissionsOf(roles: readonly string[], permissions?: readonly string[]): PermissionSet;
  /** The role and what it inherits, by name, the nearest first. Empty if there is no such role. */
  withInherited(roles: readonly string[]): ReadonlyMap<string, RoleDefinition>;
  /**
   * Reads every role anew. Rejects, and changes nothing, if they cannot be read or one of them is wrong: a name or
   * pattern that is none, a circle, a role that is not there.
   */
  reload(): MaybePromise<void>;
}

/** Reads the roles, and keeps them. Rejects as `reload()` does. */
export async function createRoleDirectory(options: RoleDirectoryOptions): Promise<RoleDirectory> {
  const directory = emptyRoleDirectory(options);
  await directory.reload();
  return directory;
}

/** Knows no role before its first `reload()`. */
export function emptyRoleDirectory(options: RoleDirectoryOptions): RoleDirectory {
  return new MemoryRoles(options);
}

interface Role extends RoleDefinition {
  readonly patterns: readonly PermissionPattern[];
}

/** How many different combinations are kept for those who ask next. Sets that are in use stay live without that. */
const mostSets = 10_000;

class MemoryRoles implements RoleDirectory {
  readonly #options: RoleDirectoryOptions;
  /** Counts reloads. */
  version = 0;
  #roles: ReadonlyMap<string, Role> = new Map();
  #sets = new Map<string, LivePermissions>();
  /** The readings that began, and the last one whose answer was taken: an older one comes too late. */
  #begun = 0;
  #taken = 0;

  constructor(options: RoleDirectoryOptions) {
    this.#options = options;
  }

  permissionsOf(roles: readonly string[], permissions: readonly string[] = []): PermissionSet {
    const key = JSON.stringify([roles.toSorted(), permissions]);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    if (this.#sets.size >= mostSets) this.#sets = new Map();
    const made = new LivePermissions(this, Object.freeze([...roles]), Object.freeze([...permissions]));
    this.#sets.set(key, made);
    return made;
  }

  withInherited(roles: readonly string[]): ReadonlyMap<string, Role> {
    return withInherited(this.#roles, roles);
  }

  reload(): MaybePromise<void> {
    this.#begun += 1;
    const reading = this.#begun;
    return andThen(this.#options.source.load(), (roles) => this.#take(roles, reading));
  }

  #take(definitions: readonly RoleDefinition[], reading: number): void {
    if (reading < this.#taken) return;
    const roles = new Map(definitions.map((role) => [role.name, compiled(role)]));
    const problem = inheritanceProblem(roles);
    if (problem !== undefined) throw new TypeError(`the role ${problem.role}: ${problem.description}`);
    this.#taken = reading;
    this.#roles = roles;
    this.version += 1;
    this.#options.revocations?.apply({ kind: "roles" });
  }
}

function compiled(role: RoleDefinition): Role {
  const [violation] = roleViolations(role);
  if (violation !== undefined) {
    throw new TypeError(`the role ${role.name}: ${violation.field}: ${violation.description}`);
  }
  const { name, permissions, inherits = [] } = role;
  const patterns = permissions.flatMap((text) => parsePermission(text) ?? []);
  return Object.freeze({ name, permissions: [...permissions], inherits: [...inherits], patterns });
}

/** Compiled when it is asked for the first time after a change: who holds a role is not read again for it. */
class LivePermissions implements PermissionSet {
  readonly #directory: MemoryRoles;
  readonly #roles: readonly string[];
  readonly #permissions: readonly string[];
  #seen = 0;
  #compiled = new CompiledPermissions();
  #held: ReadonlyMap<string, Role> = new Map();

  constructor(directory: MemoryRoles, roles: readonly string[], permissions: readonly string[]) {
    this.#directory = directory;
    this.#roles = roles;
    this.#permissions = permissions;
  }

  has(permission: string): boolean {
    if (this.#seen !== this.#directory.version) this.#compile();
    return this.#compiled.has(permission);
  }

  denies(permission: string): boolean {
    if (this.#seen !== this.#directory.version) this.#compile();
    return this.#compiled.denies(permission);
  }

  hasRole(role: string): boolean {
    if (this.#seen !== this.#directory.version) this.#compile();
    return this.#held.has(role);
  }

  [Symbol.iterator](): Iterator<string> {
    if (this.#seen !== this.#directory.version) this.#compile();
    return this.#compiled[Symbol.iterator]();
  }

  #compile(): void {
    const held = this.#directory.withInherited(this.#roles);
    const set = compilePermissions(this.#permissions);
    for (const { patterns } of held.values()) for (const pattern of patterns) set.add(pattern);
    this.#held = held;
    this.#compiled = set;
    this.#seen = this.#directory.version;
  }
}
