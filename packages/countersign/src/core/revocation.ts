import { Cuts } from "./cuts.ts";
import { DatedMap } from "./dated-map.ts";

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
      /** `*` for every user. */
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
   * one that carries another is checked by `recheck()` and stamped anew.
   */
  readonly version: number;
  /** Asks about one credential. `since`: the version at which reading it began. */
  check(subject: RevocationSubject, since: number): Verdict;
  /** The same about one that was found good at the version `since`: only what came after it is looked at. */
  recheck(subject: RevocationSubject, since: number): Verdict;
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

/** What a user's own entry says; `changed` says nothing of it. */
const refusedBy = { disabled: "user-disabled", deleted: "user-deleted", enabled: undefined } as const;

interface TenantState {
  readonly disabled: boolean;
  readonly changedAt: number;
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
  /** By issuer and `jti`: when they expire. */
  readonly #tokens = new Map<string, DatedMap>();
  readonly #sessions = new DatedMap(1);
  readonly #signingKeys = new DatedMap(1);
  readonly #issuedBefore = new Cuts();
  /** Of tokens outside sessions. */
  readonly #issuedOutsideBefore = new Cuts();
  /** Why everything of a user is refused. */
  readonly #refused = new Map<string, "user-disabled" | "user-deleted">();
  /** The version at which a user changed. */
  readonly #changed = new Map<string, number>();
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
    return this.#judge(subject, since, Number.NEGATIVE_INFINITY);
  }

  recheck(subject: RevocationSubject, since: number): Verdict {
    return this.#judge(subject, since, since);
  }

  /** `good`: the version at which nothing was revoked yet. */
  #judge(subject: RevocationSubject, since: number, good: number): Verdict {
    if (this.#suspended) return "unavailable";
    const { userId, tenantId, keyId, jti, issuer, sessionId, kid, issuedAt } = subject;
    if (jti !== undefined && this.#tokens.get(issuer ?? "")?.get(jti, good) !== undefined)
      return "token-revoked";
    if (sessionId !== undefined && this.#sessions.get(sessionId, good) !== undefined) return "token-revoked";
    if (kid !== undefined && this.#signingKeys.get(kid, good) !== undefined) return "token-revoked";
    let stale = since < this.#floor;
    if (keyId !== undefined) {
      const key = this.#keys.get(keyId);
      if (key?.revoked) return "key-revoked";
      stale ||= key !== undefined && key.changedAt > since;
    }
    if (userId !== undefined) {
      const refused = this.#refused.get(userId);
      if (refused !== undefined) return refused;
      stale ||= (this.#changed.get(userId) ?? 0) > since;
    }
    if (issuedAt !== undefined) {
      if (this.#issuedBefore.cuts(userId, issuedAt, good)) return "token-revoked";
      if (sessionId === undefined && this.#issuedOutsideBefore.cuts(userId, issuedAt, good))
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
      tokens.deleteUpTo(limit);
      if (tokens.size === 0) this.#tokens.delete(issuer);
    }
    this.#sessions.deleteUpTo(limit);
    this.#signingKeys.deleteUpTo(limit);
    this.#issuedBefore.deleteUpTo(limit);
    this.#issuedOutsideBefore.deleteUpTo(limit);
  }

  flush(): void {
    this.version += 1;
    this.#floor = this.version;
    // Disabled users stay, because a view may be the only place that knows of them. One that was enabled within the gap
    // is refused until its next entry: the safe side.
    this.#keys.clear();
    this.#changed.clear();
    deleteWhere(this.#tenants, ({ disabled }) => !disabled);
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
        let tokens = this.#tokens.get(event.issuer);
        if (tokens === undefined) {
          tokens = new DatedMap(1);
          this.#tokens.set(event.issuer, tokens);
        }
        tokens.raise(event.jti, version, event.expiresAt);
        return;
      }
      case "session":
        this.#sessions.raise(event.sessionId, version, event.expiresAt);
        return;
      case "signing-key":
        this.#signingKeys.raise(event.kid, version, event.expiresAt);
        return;
      case "issued-before": {
        const cuts = event.sparesSessions === true ? this.#issuedOutsideBefore : this.#issuedBefore;
        cuts.add(event, version);
        return;
      }
      case "user": {
        // A disabled user who is changed is still disabled; only "enabled" undoes it.
        if (event.state !== "changed") {
          const refused = refusedBy[event.state];
          if (refused === undefined) this.#refused.delete(event.userId);
          else this.#refused.set(event.userId, refused);
        }
        this.#changed.set(event.userId, version);
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
    const tracked = this.#changed.size + this.#tenants.size + this.#keys.size;
    if (tracked > trackedChanges) this.#forgetChanges(version);
  }

  /**
   * Which user or key changed need not be known for ever: an old cached credential is read again instead. A disabled
   * user stays: an application without a user source has no other place to read it from.
   */
  #forgetChanges(version: number): void {
    this.#floor = version;
    this.#keys.clear();
    this.#changed.clear();
    deleteWhere(this.#tenants, ({ disabled }) => !disabled);
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

function deleteWhere<K, V>(map: Map<K, V>, matches: (value: V) => boolean): void {
  for (const [key, value] of map) if (matches(value)) map.delete(key);
}
