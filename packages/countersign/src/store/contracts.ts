import { Unavailable } from "../core/call-error.ts";
import type { MaybePromise } from "../core/decision.ts";
import type { RevocationEvent } from "../core/revocation.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import type { StoreReadings } from "./observation.ts";
import type { RoleStore } from "./role-contracts.ts";
import type { AuditEntry, SessionStores } from "./session-contracts.ts";

/** A user as a store keeps it. */
export interface UserRecord extends UserAccount {
  /** A positive 64-bit integer in decimal. */
  readonly id: string;
  readonly username: string;
  /** What the application keeps about the user; names and values are strings. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Since when nobody gets in with the password, because too many were wrong (NIST SP 800-63B-4 section 3.2.2). */
  readonly passwordLockedAt: Date | undefined;
}

export interface NewUser {
  /** Unique without regard to case. */
  readonly username: string;
  /** Unique without regard to case, where there is one. */
  readonly email?: string | undefined;
  readonly isStaff?: boolean | undefined;
  readonly isSuperuser?: boolean | undefined;
  /** A PHC string; undefined for an account that cannot log in with a password. */
  readonly passwordHash?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Assigned from the beginning, by `system`. */
  readonly roles?: readonly string[] | undefined;
}

/** A member that is absent or undefined stays as it is. */
export interface UserPatch {
  readonly username?: string | undefined;
  /** The empty string removes it. */
  readonly email?: string | undefined;
  readonly isStaff?: boolean | undefined;
  readonly isSuperuser?: boolean | undefined;
  readonly isActive?: boolean | undefined;
  readonly passwordHash?: string | undefined;
  /** Merged into what is there; the empty string removes an attribute. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** What must still hold when a change is made. */
export interface UserCondition {
  /** The hash that the user has. */
  readonly passwordHash: string;
}

export interface UserQuery {
  readonly limit: number;
  /** The id of the last user of the page before. */
  readonly after?: string | undefined;
  /** Part of a username or email, without regard to case. */
  readonly text?: string | undefined;
}

/**
 * Users. Every change appends its revocation event in the same transaction, so that caches elsewhere hear of it.
 * An id that is not a positive 64-bit integer is simply not found.
 */
export interface UserStore extends UserSource<UserRecord> {
  /** Throws `Conflict` on `username` or `email`, and on `roles` for one that is not there. */
  create(user: NewUser): Promise<UserRecord>;
  load(id: string): MaybePromise<UserRecord | undefined>;
  findByUsername(username: string): Promise<UserRecord | undefined>;
  findByEmail(email: string): Promise<UserRecord | undefined>;
  /** The active superuser with the lowest id. */
  firstSuperuser(): Promise<UserRecord | undefined>;
  /** In order of id. */
  list(query: UserQuery): Promise<readonly UserRecord[]>;
  /**
   * Undefined if there is no such user, or the condition does not hold: compare and set, in one transaction. A new password
   * unlocks the account, and forgets the networks that it is known to log in from. Throws `Conflict`, also on
   * `isSuperuser` or `isActive` when the change would leave no active superuser where there was one.
   */
  update(id: string, patch: UserPatch, condition?: UserCondition): Promise<UserRecord | undefined>;
  /** Forgets the wrong passwords that were counted. Audit `password.unlocked`, if it was locked. Undefined if there is no such user. */
  unlockPassword(id: string, by: string): Promise<UserRecord | undefined>;
  /**
   * Revokes the user's keys and sessions, whose records stay; the second factor and linked identities go. False if there is no such
   * user. Throws `Conflict` for the last active superuser.
   */
  delete(id: string): Promise<boolean>;
  passwordHash(id: string): Promise<string | undefined>;
}

/** A stored API key: what is needed to recognise it, never the key itself. */
export interface ApiKeyRecord {
  /** The public part of the key. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: string;
  /** Whom it acts as. */
  readonly userId: string;
  /** HMAC-SHA-256 of the secret part under the pepper `pepperId`. */
  readonly digest: Uint8Array;
  readonly pepperId: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly disabledAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly revokedReason: string | undefined;
  /** The user id of who revoked it, or `system`. */
  readonly revokedBy: string | undefined;
  readonly lastUsedAt: Date | undefined;
  /** Allowed calls. */
  readonly totalRequests: number;
  /** The id of the key that made it; undefined if it was made without one. */
  readonly madeBy: string | undefined;
}

export interface NewApiKey {
  readonly id: string;
  /** Unique among the owner's keys that are not revoked. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly type: string;
  readonly userId: string;
  readonly digest: Uint8Array;
  readonly pepperId: string;
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly expiresAt?: Date | undefined;
  readonly madeBy?: string | undefined;
}

export type ApiKeyStatus = "active" | "disabled" | "expired" | "revoked";

export interface ApiKeyQuery {
  readonly limit: number;
  /** The position of the last key of the page before. */
  readonly after?: { readonly createdAt: Date; readonly id: string } | undefined;
  readonly userId?: string | undefined;
  readonly status?: ApiKeyStatus | undefined;
  /** Those that this key made. */
  readonly madeBy?: string | undefined;
  /** What "expired" is measured against. */
  readonly now: Date;
}

/** Calls that one key was allowed since the last flush. */
export interface ApiKeyUsage {
  readonly id: string;
  readonly calls: number;
  readonly lastUsedAt: Date;
}

/** Where keys are read from during authentication. */
export interface ApiKeySource {
  load(id: string): MaybePromise<ApiKeyRecord | undefined>;
}

/** API keys. Every change but usage appends its revocation event in the same transaction. */
export interface ApiKeyStore extends ApiKeySource {
  /**
   * Throws `Conflict` on `name` or `id`, on `userId` if there is no such user, on `madeBy` if that key is revoked or none,
   * and on `roles` for one that is not there.
   */
  create(key: NewApiKey): Promise<ApiKeyRecord>;
  /** Newest first; equal instants in descending order of id. */
  list(query: ApiKeyQuery): Promise<readonly ApiKeyRecord[]>;
  /** Undefined if there is no such key. A key that is revoked already keeps its first reason, actor and time. */
  revoke(
    id: string,
    why: { readonly reason: string; readonly by: string },
  ): Promise<ApiKeyRecord | undefined>;
  /** Undefined if there is no such key. Has no effect on a revoked one. */
  setDisabled(id: string, disabled: boolean): Promise<ApiKeyRecord | undefined>;
  /** Adds to the counters, all or none. A key that is gone is passed over. `lastUsedAt` never goes back. */
  addUsage(usage: readonly ApiKeyUsage[]): Promise<void>;
}

export interface RevocationLogEntry {
  readonly sequence: number;
  readonly event: RevocationEvent;
}

/** The revocation log: numbers rise by one, in the order of commit. */
export interface RevocationLog {
  /** Returns the number of the last entry appended, committed; with them, their audit row. */
  append(events: readonly RevocationEvent[], audit?: AuditEntry): Promise<number>;
  /** The number of the last committed entry; 0 for an empty log. */
  head(): Promise<number>;
  /**
   * The entries after `sequence` in order, at most `limit`; undefined if some of them are there no longer, and the
   * follower has to start over from `live()`.
   */
  since(sequence: number, limit: number): Promise<readonly RevocationLogEntry[] | undefined>;
  /** The head, and all entries up to it that can still refuse something at `now`. For a start. */
  live(now: Date): Promise<{ readonly head: number; readonly events: readonly RevocationEvent[] }>;
  /**
   * Calls back when there may be something new, until the way to stop that, which it returns, is called. Only a hint: it may
   * be late, lost or wrong, and whoever has to know polls as well. Undefined where nobody tells.
   */
  readonly onAppend?: ((listener: () => void) => () => void) | undefined;
  /** Removes what can refuse nothing at `now` and is older than `keepSeconds`. */
  prune(now: Date, keepSeconds: number): Promise<void>;
}

/** One place that keeps it all. */
export interface Store extends SessionStores {
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly apiKeys: ApiKeyStore;
  readonly revocations: RevocationLog;
  /** To be measured. Undefined where there is nothing to read. */
  readonly readings?: (() => StoreReadings) | undefined;
  /** Waits for what is under way. Nothing may be called after it. */
  close(): Promise<void>;
}

/** A change that the data does not permit. `field` names the member of the request. */
export class Conflict extends Error {
  override readonly name = "Conflict";
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/** The store cannot be opened or used: a broken file, a server that is away, a schema that is newer than this program, no space. */
export class StoreUnavailable extends Unavailable {
  override readonly name = "StoreUnavailable";
}
