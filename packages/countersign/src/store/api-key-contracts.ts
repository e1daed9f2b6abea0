import type { CallAllowance } from "../core/call-allowance.ts";
import type { MaybePromise } from "../core/decision.ts";

/** A stored API key: what is needed to recognise it, never the key itself. */
export interface ApiKeyRecord extends ApiKeyLimits {
  /** The public part of the key. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: string;
  /** Whom it acts as. */
  readonly userId: string;
  /** HMAC-SHA-256 of the secret part under the pepper `pepperId`; empty for an imported key that was not used yet. */
  readonly digest: Uint8Array;
  readonly pepperId: string;
  /** What the key begins with, as a person recognises it; empty where nobody wrote it down. */
  readonly prefix: string;
  readonly tags: readonly string[];
  readonly createdAt: Date;
  /** When its name, limits or expiry were changed last. */
  readonly updatedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly disabledAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  /** Why it is revoked, or is going to be at the end of its grace. */
  readonly revokedReason: string | undefined;
  /** The user id of who revoked it, or `system`. */
  readonly revokedBy: string | undefined;
  readonly rotatedAt: Date | undefined;
  /** From then on it is revoked: another key has taken its place. */
  readonly graceEndsAt: Date | undefined;
  /** The id of the key that took its place. */
  readonly replacedBy: string | undefined;
  /** The id of the key whose place it took. */
  readonly replaces: string | undefined;
  readonly lastUsedAt: Date | undefined;
  /** From where the last call came, without its port. */
  readonly lastUsedAddress: string | undefined;
  readonly lastUsedAgent: string | undefined;
  /** Allowed calls. */
  readonly totalRequests: number;
  /** The id of the key that made it; undefined if it was made without one. */
  readonly madeBy: string | undefined;
  /** The tenant of whom it acts as. */
  readonly tenantId: string | undefined;
}

/** What a key is limited to. An empty list limits nothing. */
export interface ApiKeyLimits {
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** `10.0.0.0/8`, `2001:db8::/32`. */
  readonly addressRanges: readonly string[];
  /** `/package.Service/Method`, `/package.Service/*`. */
  readonly methods: readonly string[];
  /** Carried for whoever enforces them. */
  readonly callLimits: readonly CallAllowance[];
}

export interface NewApiKey extends Partial<ApiKeyLimits> {
  readonly id: string;
  /** Kept in NFC, and unique in it among the owner's keys that are neither revoked nor replaced. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly type: string;
  readonly userId: string;
  readonly digest: Uint8Array;
  readonly pepperId: string;
  readonly prefix?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly expiresAt?: Date | undefined;
  readonly madeBy?: string | undefined;
  /** The user id of who makes it. Default: as in `AuditEntry.actor`. */
  readonly createdBy?: string | undefined;
  /** The key is given out by a link, once. */
  readonly link?: NewKeyLink | undefined;
}

/** A key, sealed under what the link has in its fragment. */
export interface NewKeyLink {
  /** Of the token in the link. */
  readonly digest: Uint8Array;
  readonly sealed: Uint8Array;
  readonly expiresAt: Date;
}

/** A member that is absent or undefined stays as it is. */
export interface ApiKeyPatch extends Partial<ApiKeyLimits> {
  /** As in `NewApiKey`. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly type?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** `never`: without an end. */
  readonly expiresAt?: Date | "never" | undefined;
}

/** A new key that takes the place of another one. Its name, type, tags and limits are those of the old one. */
export interface ApiKeyRotation
  extends Pick<NewApiKey, "id" | "digest" | "pepperId" | "prefix" | "madeBy" | "link"> {
  readonly expiresAt: Date | undefined;
  /** The old key works until then, or until its own expiry where that is earlier. */
  readonly graceEndsAt: Date;
  readonly by: string;
}

export type ApiKeyStatus = "active" | "disabled" | "expired" | "revoked";

/** What a list of keys can be in the order of. */
export type ApiKeyOrder = "name" | "createdAt" | "lastUsedAt" | "expiresAt" | "totalRequests";

/**
 * Names without regard to the case of ASCII letters. A key that was never used comes before all that were, and one without an end
 * after all that have one; equals in the order of their ids, in the same direction.
 */
export interface ApiKeySort {
  readonly by: ApiKeyOrder;
  readonly descending: boolean;
}

/** Where a key stands in a list: its id, and what the list is in the order of. */
export interface ApiKeyPosition extends Partial<Pick<ApiKeyRecord, ApiKeyOrder>> {
  readonly id: string;
}

export interface ApiKeyQuery {
  readonly limit: number;
  /** Default: the newest first. */
  readonly sort?: ApiKeySort | undefined;
  /**
   * The position of the last key of the page before. What is not there (`lastUsedAt`, `expiresAt`) is read as the sort says; the other
   * members have to be there where they are the order.
   */
  readonly after?: ApiKeyPosition | undefined;
  /** Those of these ids, found by them; at most 1,000. One that is not there is left out. */
  readonly ids?: readonly string[] | undefined;
  readonly userId?: string | undefined;
  readonly status?: ApiKeyStatus | undefined;
  readonly type?: string | undefined;
  readonly tag?: string | undefined;
  /** Part of a name, in NFC and without regard to the case of ASCII letters; or the beginning of an id or of a prefix. */
  readonly text?: string | undefined;
  /** Those that end before this, and not before `now`. */
  readonly expiringBefore?: Date | undefined;
  /** Those that were neither made nor used since. */
  readonly unusedSince?: Date | undefined;
  /** Those that this key made. */
  readonly madeBy?: string | undefined;
  /** As in `UserQuery`. */
  readonly tenantId?: string | undefined;
  /** What "expired" is measured against. */
  readonly now: Date;
}

/** Calls with one key since the last flush. */
export interface ApiKeyUsage {
  readonly id: string;
  /** Those that were allowed. */
  readonly calls: number;
  /** Undefined if none was. */
  readonly lastUsedAt: Date | undefined;
  readonly lastUsedAddress?: string | undefined;
  readonly lastUsedAgent?: string | undefined;
  /** By the hour in which they came. */
  readonly hours?: readonly UsageCount[] | undefined;
  /** The networks that allowed calls came from. */
  readonly networks?: readonly string[] | undefined;
  /** The scopes of the key that said yes to something. */
  readonly scopes?: readonly string[] | undefined;
}

/** Which flush of whom this is. */
export interface UsageFlush {
  /** Whoever counts, by a name that nobody else has. */
  readonly writer: string;
  /** Rises from 1; the next one comes when this one is known to be added. */
  readonly number: number;
}

/** Calls in an hour, or on a day, of UTC. */
export interface UsageCount {
  readonly startsAt: Date;
  readonly allowed: number;
  readonly denied: number;
}

export type UsagePeriod = "hour" | "day";

export interface UsageQuery {
  readonly id: string;
  readonly period: UsagePeriod;
  readonly from: Date;
  /** Not included. */
  readonly until: Date;
}

/** The same of several keys. */
export interface UsageOfKeysQuery extends Omit<UsageQuery, "id"> {
  readonly ids: readonly string[];
}

/** Where calls with a key came from. */
export interface SeenNetwork {
  readonly network: string;
  readonly lastUsedAt: Date;
}

/** What a key has left behind. */
export interface ApiKeyTraces {
  /** How many networks it was used from since the instant that was asked for. */
  readonly networks: number;
  /** The scopes that have ever said yes to something. */
  readonly usedScopes: readonly string[];
}

/** Whether a key can still be had by its link. */
export type Reveal =
  | { readonly kind: "revealed"; readonly apiKeyId: string; readonly sealed: Uint8Array }
  | { readonly kind: "gone"; readonly revealedAt: Date | undefined }
  | { readonly kind: "unknown" };

/** Where keys are read from during authentication. */
export interface ApiKeySource {
  load(id: string): MaybePromise<ApiKeyRecord | undefined>;
}

/** Why and by whom something is done to a key. */
export interface KeyWhy {
  readonly reason: string;
  readonly by: string;
}

/** API keys. Every change but usage appends its revocation event, and its audit row, in the same transaction. */
export interface ApiKeyStore extends ApiKeySource {
  /**
   * Audit `key.created`. Throws `Conflict` on `name` or `id`, on `userId` if there is no such user, on `madeBy` if that key is
   * revoked or none, and on `roles` for one that is not there or another tenant's.
   */
  create(key: NewApiKey): Promise<ApiKeyRecord>;
  /**
   * Newest first, equal instants in descending order of id; or as `sort` says. A key whose place changes between two pages (it was used,
   * or renamed) may be passed over or come twice; all others come once.
   */
  list(query: ApiKeyQuery): Promise<readonly ApiKeyRecord[]>;
  /**
   * Undefined if there is no such key. Throws `Conflict` on `name` and `roles` as `create()` does, on `id` for a key that is
   * revoked, and on `expiresAt` for one that is expired or replaced. Audit `key.updated`.
   */
  update(id: string, patch: ApiKeyPatch, by: string): Promise<ApiKeyRecord | undefined>;
  /**
   * Puts another key in the place of this one, all in one transaction. Undefined if there is no such key; throws `Conflict` on
   * `id` for one that is not active or replaced already, and as `create()` does. Audit `key.created` and
   * `key.rotated`.
   */
  rotate(
    id: string,
    rotation: ApiKeyRotation,
  ): Promise<{ readonly created: ApiKeyRecord; readonly previous: ApiKeyRecord } | undefined>;
  /** Undefined if there is no such key. A key that is revoked already keeps its first reason, actor and time. Audit `key.revoked`. */
  revoke(id: string, why: KeyWhy): Promise<ApiKeyRecord | undefined>;
  /** Undefined if there is no such key. Has no effect on a revoked one. Audit `key.disabled` or `key.enabled`. */
  setDisabled(id: string, disabled: boolean, by?: string): Promise<ApiKeyRecord | undefined>;
  /** Takes the sealed key of a link, which is there once. Audit `key.revealed`, by whoever had the link, `address`. */
  reveal(digest: Uint8Array, address: string | undefined): Promise<Reveal>;
  /**
   * Adds to the counters, all or none. A key that is gone is passed over. `lastUsedAt` never goes back. A `flush` that was added
   * before, though its writer never heard so, is not added again; it is remembered for 30 days. A killed process loses nothing that
   * was added; on SQLite, a machine without power may lose the last of it.
   */
  addUsage(usage: readonly ApiKeyUsage[], flush?: UsageFlush): Promise<void>;
  /** Periods with calls, the oldest first. */
  usage(query: UsageQuery): Promise<readonly UsageCount[]>;
  /** The same of several keys, by their ids; those without a call are left out. */
  usageOf(query: UsageOfKeysQuery): Promise<ReadonlyMap<string, readonly UsageCount[]>>;
  /** Where allowed calls came from, the latest first. */
  networks(id: string): Promise<readonly SeenNetwork[]>;
  /** Of keys that are there, by their ids. */
  traces(ids: readonly string[], since: Date): Promise<ReadonlyMap<string, ApiKeyTraces>>;
  /** Removes counts and traces from before these instants, and links that are over for a week. */
  prune(older: { readonly hours: Date; readonly days: Date; readonly now: Date }): Promise<void>;
}
