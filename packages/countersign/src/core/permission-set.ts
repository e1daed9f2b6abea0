import { meetOf, type PermissionPattern, parsePermission, partsOfPermission } from "./permission.ts";

/** What a principal may do. A `Set<string>` fits. Its members are patterns: names, `orders:*`, and denials, `!orders:delete`. */
export interface PermissionSet extends Iterable<string> {
  /** Granted, and not denied. */
  has(permission: string): boolean;
  /** Denied, which counts for superusers too. Absent: nothing is. */
  denies?(permission: string): boolean;
  /** Whether these are, among others, the permissions of that role. Absent: `Principal.roles` says it all. */
  hasRole?(role: string): boolean;
}

/** Patterns of one kind, grants or denials, so that asking about a name costs at most three look-ups. */
class PatternIndex {
  all = false;
  readonly #names = new Set<string>();
  readonly #resources = new Set<string>();
  readonly #actions = new Set<string>();

  add({ kind, value }: PermissionPattern): void {
    if (kind === "all") this.all = true;
    else if (kind === "name") this.#names.add(value);
    else (kind === "resource" ? this.#resources : this.#actions).add(value);
  }

  matches(permission: string): boolean {
    if (this.all || this.#names.has(permission)) return true;
    if (this.#resources.size === 0 && this.#actions.size === 0) return false;
    const parts = partsOfPermission(permission);
    return parts !== undefined && (this.#resources.has(parts.resource) || this.#actions.has(parts.action));
  }

  /** Whether one of these patterns stands for all that the other one does. */
  includes({ kind, value }: PermissionPattern): boolean {
    if (kind === "name") return this.matches(value);
    return (
      this.all ||
      (kind === "resource" && this.#resources.has(value)) ||
      (kind === "action" && this.#actions.has(value))
    );
  }

  /** The widest first, and none that another one includes. */
  *texts(): Generator<string> {
    if (this.all) {
      yield "**";
      return;
    }
    for (const resource of this.#resources) yield `${resource}:*`;
    for (const action of this.#actions) yield `*:${action}`;
    const wild = this.#resources.size + this.#actions.size > 0;
    for (const name of this.#names) {
      const parts = wild ? partsOfPermission(name) : undefined;
      if (parts === undefined || !(this.#resources.has(parts.resource) || this.#actions.has(parts.action)))
        yield name;
    }
  }
}

/** Grants and denials, compiled. */
export class CompiledPermissions implements PermissionSet {
  readonly #allowed = new PatternIndex();
  readonly #denied = new PatternIndex();

  add(pattern: PermissionPattern): void {
    (pattern.deny ? this.#denied : this.#allowed).add(pattern);
  }

  /** For a denial that cannot be read: nobody knows what it was meant to deny. */
  denyEverything(): void {
    this.#denied.all = true;
  }

  has(permission: string): boolean {
    return !this.#denied.matches(permission) && this.#allowed.matches(permission);
  }

  denies(permission: string): boolean {
    return this.#denied.matches(permission);
  }

  /** Without what is denied as a whole. */
  *[Symbol.iterator](): Generator<string> {
    for (const text of this.#allowed.texts()) {
      const pattern = parsePermission(text);
      if (pattern !== undefined && !this.#denied.includes(pattern)) yield text;
    }
    for (const text of this.#denied.texts()) yield `!${text}`;
  }

  /** Whether one of the grants stands for all that the pattern does. Denials are not looked at. */
  allows(pattern: PermissionPattern): boolean {
    return this.#allowed.includes(pattern);
  }

  /** Whether one of the denials stands for all that this one does. */
  deniesText(denial: string): boolean {
    const pattern = parsePermission(denial);
    return pattern !== undefined && this.#denied.includes(pattern);
  }

  /** Whether one of the denials stands for all that the pattern does. */
  deniesAll(pattern: PermissionPattern): boolean {
    return this.#denied.includes(pattern);
  }
}

/**
 * Compiles patterns as they come from somewhere. What is no pattern grants nothing, and a denial that is none denies
 * everything: where they are written, they are checked (`permissionProblem`).
 */
export function compilePermissions(texts: Iterable<string>): CompiledPermissions {
  const compiled = new CompiledPermissions();
  for (const text of texts) {
    const pattern = parsePermission(text);
    if (pattern !== undefined) compiled.add(pattern);
    else if (text.startsWith("!")) compiled.denyEverything();
  }
  return compiled;
}

/**
 * What is wanted and not held: the first such pattern; undefined if whoever holds the one list may do all that the
 * other one allows. Conservative: a pattern counts as held only if a single grant includes it.
 */
export function beyond(held: Iterable<string>, wanted: Iterable<string>): string | undefined {
  const holder = compilePermissions(held);
  const target = compilePermissions(wanted);
  const denials = [...holder].flatMap((text) => (text.startsWith("!") ? (parsePermission(text) ?? []) : []));
  for (const text of target) {
    const pattern = parsePermission(text);
    if (pattern === undefined || pattern.deny) continue;
    if (!holder.allows(pattern)) return text;
    for (const denial of denials) {
      const lost = meetOf(denial, pattern);
      const parsed = lost === undefined ? undefined : parsePermission(lost);
      if (parsed !== undefined && !target.deniesAll(parsed)) return lost;
    }
  }
  return undefined;
}

/** What both lists allow, as patterns; the denials of both stay. */
export function meetOfLists(one: Iterable<string>, other: Iterable<string>): CompiledPermissions {
  const [left, right] = [patterns(one), patterns(other)];
  const met = new CompiledPermissions();
  for (const pattern of [...left, ...right]) if (pattern.deny) met.add(pattern);
  const allowed = right.filter(({ deny }) => !deny);
  for (const pattern of left) {
    if (pattern.deny) continue;
    for (const candidate of allowed) {
      const text = meetOf(pattern, candidate);
      const parsed = text === undefined ? undefined : parsePermission(text);
      if (parsed !== undefined) met.add(parsed);
    }
  }
  return met;
}

function patterns(texts: Iterable<string>): readonly PermissionPattern[] {
  return [...texts].flatMap((text) => parsePermission(text) ?? []);
}
