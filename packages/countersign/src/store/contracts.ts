import { Unavailable } from "../core/call-error.ts";
import type { MaybePromise } from "../core/decision.ts";
import type { RevocationEvent } from "../core/revocation.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import type { LimitStore } from "../limits/limit-store.ts";
import type { ApiKeyStore } from "./api-key-contracts.ts";
import type { KeyImportStore } from "./key-import-contracts.ts";
import type { NodeStore } from "./node-contracts.ts";
import type { StoreReadings } from "./observation.ts";
import type { RoleStore } from "./role-contracts.ts";
import type { SecretStore } from "./secret-contracts.ts";
import type { AuditEntry, SessionStores } from "./session-contracts.ts";
import type { TenantStore } from "./tenant-contracts.ts";

export type {
  ApiKeyQuery,
  ApiKeyRecord,
  ApiKeySource,
  ApiKeyStatus,
  ApiKeyStore,
  ApiKeyUsage,
  NewApiKey,
  UsageFlush,
} from "./api-key-contracts.ts";

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
  /** Given when the account is made, and never changed; undefined for the installation's own. While it is disabled, `isActive` is false. */
  readonly tenantId: string | undefined;
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
  readonly tenantId?: string | undefined;
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
  /** Those of these ids, found by them; at most 1,000. One that is not there is left out. */
  readonly ids?: readonly string[] | undefined;
  /** Part of a username or email, without regard to case. */
  readonly text?: string | undefined;
  /** Those of this tenant; the empty text: those of none. Absent: all. */
  readonly tenantId?: string | undefined;
}

/**
 * Users. Every change appends its revocation event in the same transaction, so that caches elsewhere hear of it.
 * An id that is not a positive 64-bit integer is simply not found.
 */
export interface UserStore extends UserSource<UserRecord> {
  /**
   * Throws `Conflict` on `username` or `email`, on `tenant` for one that is not there, and on `roles` for one that is not there
   * or another tenant's.
   */
  create(user: NewUser): Promise<UserRecord>;
  load(id: string): MaybePromise<UserRecord | undefined>;
  findByUsername(username: string): Promise<UserRecord | undefined>;
  findByEmail(email: string): Promise<UserRecord | undefined>;
  /** The active superuser of no tenant with the lowest id. */
  firstSuperuser(): Promise<UserRecord | undefined>;
  /** In order of id. */
  list(query: UserQuery): Promise<readonly UserRecord[]>;
  /**
   * Undefined if there is no such user, or the condition does not hold: compare and set, in one transaction. A new password
   * unlocks the account, and forgets the networks that it is known to log in from. Throws `Conflict`, also on
   * `isSuperuser` or `isActive` when the change would leave no active superuser where there was one: tenants' do not count.
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

export interface RevocationLogEntry {
  readonly sequence: number;
  readonly event: RevocationEvent;
}

export interface LivePage {
  readonly after: number;
  readonly head: number;
  readonly limit: number;
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
  /** The head, and all entries up to it that can still refuse something at `now`. */
  live(now: Date): Promise<{ readonly head: number; readonly events: readonly RevocationEvent[] }>;
  /** A portion of them: the first ones after `after`, up to `head`, at most `limit`, in order. There may be a million, and nobody has to hold them all. */
  livePage(now: Date, page: LivePage): Promise<readonly RevocationLogEntry[]>;
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
  readonly tenants: TenantStore;
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly apiKeys: ApiKeyStore;
  readonly keyImports: KeyImportStore;
  readonly revocations: RevocationLog;
  readonly secrets: SecretStore;
  /** Rates and quotas of calls. */
  readonly limits: LimitStore;
  readonly nodes: NodeStore;
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
