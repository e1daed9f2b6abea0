/**
 * One entry of the revocation log. Instants are seconds since the epoch, as in tokens. An entry with `expiresAt` is
 * of no use after it: everything that it could refuse has expired by then.
 */
export type RevocationEvent =
  | { readonly kind: "token"; readonly issuer: string; readonly jti: string; readonly expiresAt: number }
  | { readonly kind: "session"; readonly sessionId: string; readonly expiresAt: number }
  | { readonly kind: "key"; readonly keyId: string; readonly state: "revoked" | "changed" }
  | {
      readonly kind: "user";
      readonly userId: string;
      readonly state: "disabled" | "deleted" | "enabled" | "changed";
    }
  /** Everybody of that tenant. */
  | { readonly kind: "tenant"; readonly tenantId: string; readonly state: "disabled" | "enabled" }
  | {
      readonly kind: "issued-before";
      readonly userId: string;
      readonly before: number;
      readonly expiresAt: number;
      /** Tokens of sessions stay: those have events of their own. */
      readonly sparesSessions?: boolean;
    }
  /** A signing key of ours: whatever it signed. */
  | { readonly kind: "signing-key"; readonly kid: string; readonly expiresAt: number }
  /** A role was made, changed or deleted: whoever keeps roles reads them anew before this is applied. */
  | { readonly kind: "roles" };

/** What a cached credential is asked about. */
export interface RevocationSubject {
  readonly userId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly keyId?: string | undefined;
  readonly issuer?: string | undefined;
  readonly jti?: string | undefined;
  readonly sessionId?: string | undefined;
  /** The key that a token was verified with. */
  readonly kid?: string | undefined;
  /** Seconds since the epoch. */
  readonly issuedAt?: number | undefined;
}

/**
 * - `good`: nothing was revoked.
 * - `stale`: something about it changed since it was read; read it again.
 * - `unavailable`: this node has been cut off for too long to know.
 */
export type Verdict =
  | "good"
  | "stale"
  | "token-revoked"
  | "key-revoked"
  | "user-disabled"
  | "user-deleted"
  | "unavailable";

/** The live part of the revocation log, in memory, as authenticators see it. */
export interface RevocationView {
  /**
   * How many times this view has changed. A cached credential that carries the same number needs no further check;
   * one that carries another is checked by `check()` and stamped anew.
   */
  readonly version: number;
  /** Asks about one credential. `since`: the version at which reading it began. */
  check(subject: RevocationSubject, since: number): Verdict;
  /** Calls back after each change. Returns the way to stop that. */
  onChange(listener: () => void): () => void;
}

/** A view that can be fed: by a follower of a store's log, or directly by an application without a store. */
export interface Revocations extends RevocationView {
  /** Takes effect with the next call. */
  apply(event: RevocationEvent, ...more: readonly RevocationEvent[]): void;
  /** Forgets every entry whose `expiresAt` passed over a minute ago: so long may a verifier go on accepting a token. */
  prune(nowSeconds: number): void;
  /** Everything cached so far must be read again: the log had a gap that cannot be refilled. */
  flush(): void;
  /** From now on nothing is known: every check answers `unavailable`, until `resume()`. */
  suspend(): void;
  resume(): void;
}

interface UserState {
  /** Why everything of this user is refused; undefined if nothing is. */
  readonly refused: "user-disabled" | "user-deleted" | undefined;
  readonly changedAt: number;
}

/** What a user's own entry says; `changed` says nothing of it. */
const refusedBy = { disabled: "user-disabled", deleted: "user-deleted", enabled: undefined } as const;

interface TenantState {
  readonly disabled: boolean;
  readonly changedAt: number;
}

interface Cut {
  readonly before: number;
  readonly expiresAt: number;
}

interface KeyState {
  readonly revoked: boolean;
  readonly changedAt: number;
}

/** How many changes of users and keys are kept apart; beyond that, older cached credentials are read again. */
const trackedChanges = 100_000;

/** The largest `leewaySeconds` that a verifier takes: that long after its `exp`, a token may still be accepted. */
const longestLeewaySeconds = 60;

/** An empty view. One per process is enough; several `createAuth` may share it. */
export function createRevocations(): Revocations {
  return new MemoryRevocations();
}

class MemoryRevocations implements Revocations {
  version = 0;
  /** Stamps below this one are stale whatever they are about. */
  #floor = 0;
  #suspended = false;
  readonly #tokens = new Map<string, Map<string, number>>();
  readonly #sessions = new Map<string, number>();
  readonly #signingKeys = new Map<string, number>();
  readonly #issuedBefore = new Map<string, Cut>();
  /** Of tokens outside sessions. */
  readonly #issuedOutsideBefore = new Map<string, Cut>();
  readonly #users = new Map<string, UserState>();
  readonly #tenants = new Map<string, TenantState>();
  readonly #keys = new Map<string, KeyState>();
  readonly #listeners = new Set<() => void>();

  apply(...events: readonly RevocationEvent[]): void {
    for (const event of events) {
      this.#record(event, this.version + 1);
      // Raised after applying: a stamp of the new version has seen the entry.
      this.version += 1;
    }
    this.#notify();
  }

  check(subject: RevocationSubject, since: number): Verdict {
    if (this.#suspended) return "unavailable";
    const { userId, tenantId, keyId, jti, issuer, sessionId, kid, issuedAt } = subject;
    if (jti !== undefined && this.#tokens.get(issuer ?? "")?.has(jti)) return "token-revoked";
    if (sessionId !== undefined && this.#sessions.has(sessionId)) return "token-revoked";
    if (kid !== undefined && this.#signingKeys.has(kid)) return "token-revoked";
    let stale = since < this.#floor;
    if (keyId !== undefined) {
      const key = this.#keys.get(keyId);
      if (key?.revoked) return "key-revoked";
      stale ||= key !== undefined && key.changedAt > since;
    }
    if (userId !== undefined) {
      const user = this.#users.get(userId);
      if (user?.refused !== undefined) return user.refused;
      stale ||= user !== undefined && user.changedAt > since;
      const cut = this.#issuedBefore.get(userId);
      if (cut !== undefined && issuedAt !== undefined && issuedAt < cut.before) return "token-revoked";
      const outside = sessionId === undefined ? this.#issuedOutsideBefore.get(userId) : undefined;
      if (outside !== undefined && issuedAt !== undefined && issuedAt < outside.before)
        return "token-revoked";
    }
    if (tenantId !== undefined) {
      const tenant = this.#tenants.get(tenantId);
      if (tenant?.disabled) return "user-disabled";
      stale ||= tenant !== undefined && tenant.changedAt > since;
    }
    return stale ? "stale" : "good";
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  prune(nowSeconds: number): void {
    const limit = nowSeconds - longestLeewaySeconds;
    for (const [issuer, tokens] of this.#tokens) {
      deleteWhere(tokens, (expiresAt) => expiresAt <= limit);
      if (tokens.size === 0) this.#tokens.delete(issuer);
    }
    deleteWhere(this.#sessions, (expiresAt) => expiresAt <= limit);
    deleteWhere(this.#signingKeys, (expiresAt) => expiresAt <= limit);
    deleteWhere(this.#issuedBefore, (cut) => cut.expiresAt <= limit);
    deleteWhere(this.#issuedOutsideBefore, (cut) => cut.expiresAt <= limit);
  }

  flush(): void {
    this.version += 1;
    this.#floor = this.version;
    this.#keys.clear();
    // Disabled users stay, because a view may be the only place that knows of them. One that was enabled within the gap
    // is refused until its next entry: the safe side.
    deleteWhere(this.#users, (user) => user.refused === undefined);
    deleteWhere(this.#tenants, (tenant) => !tenant.disabled);
    this.#notify();
  }

  suspend(): void {
    if (this.#suspended) return;
    this.#suspended = true;
    this.version += 1;
    this.#notify();
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.version += 1;
    this.#notify();
  }

  #record(event: RevocationEvent, version: number): void {
    switch (event.kind) {
      case "roles":
        // What is cached stays good: it points to sets that follow the roles. Open streams are judged again.
        return;
      case "token": {
        const tokens = this.#tokens.get(event.issuer) ?? new Map<string, number>();
        this.#tokens.set(event.issuer, keepLater(tokens, event.jti, event.expiresAt));
        return;
      }
      case "session":
        keepLater(this.#sessions, event.sessionId, event.expiresAt);
        return;
      case "signing-key":
        keepLater(this.#signingKeys, event.kid, event.expiresAt);
        return;
      case "issued-before": {
        const cuts = event.sparesSessions === true ? this.#issuedOutsideBefore : this.#issuedBefore;
        const known = cuts.get(event.userId) ?? event;
        const before = Math.max(known.before, event.before);
        cuts.set(event.userId, { before, expiresAt: Math.max(known.expiresAt, event.expiresAt) });
        return;
      }
      case "user": {
        // A disabled user who is changed is still disabled; only "enabled" undoes it.
        const known = this.#users.get(event.userId)?.refused;
        const refused = event.state === "changed" ? known : refusedBy[event.state];
        this.#users.set(event.userId, { refused, changedAt: version });
        break;
      }
      case "tenant":
        this.#tenants.set(event.tenantId, { disabled: event.state === "disabled", changedAt: version });
        break;
      case "key": {
        const revoked = event.state === "revoked" || this.#keys.get(event.keyId)?.revoked === true;
        this.#keys.set(event.keyId, { revoked, changedAt: version });
        break;
      }
    }
    const tracked = this.#users.size + this.#tenants.size + this.#keys.size;
    if (tracked > trackedChanges) this.#forgetChanges(version);
  }

  /** Which user or key changed need not be known for ever: an old cached credential is read again instead. */
  #forgetChanges(version: number): void {
    this.#floor = version;
    this.#keys.clear();
    // A disabled user stays: an application without a user source has no other place to read it from.
    deleteWhere(this.#users, (user) => user.refused === undefined);
    deleteWhere(this.#tenants, (tenant) => !tenant.disabled);
  }

  #notify(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch {
        // A listener that fails must not keep the others from hearing of a revocation.
      }
    }
  }
}

function keepLater(map: Map<string, number>, key: string, expiresAt: number): Map<string, number> {
  return map.set(key, Math.max(map.get(key) ?? expiresAt, expiresAt));
}

function deleteWhere<K, V>(map: Map<K, V>, matches: (value: V) => boolean): void {
  for (const [key, value] of map) if (matches(value)) map.delete(key);
}
