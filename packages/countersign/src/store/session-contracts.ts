import type { MaybePromise } from "../core/decision.ts";
import type { AuditStore } from "./audit-contracts.ts";

export type { AuditEntry, AuditQuery, AuditRecord, AuditStore } from "./audit-contracts.ts";

/*
 * What logging in needs to remember. The same rules as in contracts.ts hold: what was acknowledged is committed, a change
 * that ends something appends its revocation event in the same transaction, and so does its audit row where one is named.
 */

/** One login, and the refresh tokens that descend from it. */
export interface SessionRecord {
  /** Random; `sid` in tokens. */
  readonly id: string;
  readonly userId: string;
  /** How the caller proved who it is: `pwd`, `otp` (RFC 8176). */
  readonly methods: readonly string[];
  /** The store's time; right after `revokeAll`, up to a second later, so that the new tokens are not taken for old ones. */
  readonly createdAt: Date;
  /** When the refresh token in force stops being one; never past `endsAt`. Whoever issues a token of this session lets
   *  it expire by then: so long is the session's revocation kept. */
  readonly refreshUntil: Date;
  /** When the session ends whatever happens. */
  readonly endsAt: Date;
  /** Counts rotations: the number of the refresh token in force, from 1. */
  readonly generation: number;
  /** When that refresh token took its predecessor's place; at first `createdAt`. Never goes back. */
  readonly rotatedAt: Date;
  readonly address: string;
  readonly userAgent: string;
  readonly revokedAt: Date | undefined;
  readonly revokedReason: string | undefined;
}

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly methods: readonly string[];
  /** Cut off at `endsAt`. */
  readonly refreshUntil: Date;
  readonly endsAt: Date;
  readonly address: string;
  readonly userAgent: string;
  /** The hash that the password was proven against: it must still be the user's. The logins that were counted are forgotten. */
  readonly password?: string | undefined;
  /** Known from now on as one that the user logs in from. */
  readonly network?: string | undefined;
}

export interface Rotation {
  /** The number of the refresh token that was presented. */
  readonly generation: number;
  /** Cut off at the session's `endsAt`. */
  readonly refreshUntil: Date;
  readonly now: Date;
  /** How long the predecessor of the token in force may be presented again; 0: not at all. */
  readonly graceMs: number;
}

/**
 * - `rotated`: the token presented was in force, and its successor is now.
 * - `replayed`: its successor is in force already, is not used yet, and took its place within the grace: the same answer
 *   may be given again.
 * - `reused`: anything older. The session has been revoked, in the same transaction.
 * - `over`: no such session, revoked, past `refreshUntil`, or its user is gone or disabled. Also a generation that was
 *   never reached: it was forged, or the database is a restored backup, and neither says that anything was stolen.
 */
export type RotationResult =
  | { readonly kind: "rotated" | "replayed" | "reused"; readonly session: SessionRecord }
  | { readonly kind: "over" };

/** Why something ended, for whoever looks later. */
export interface Why {
  readonly reason: string;
  /** The user id of who did it, or `system`. */
  readonly by: string;
}

export interface RevokeAll extends Why {
  /** The session to keep. One that is not a live one of this user keeps nothing. */
  readonly except?: string | undefined;
  /** When the last token that was issued outside sessions has expired. Default: ten years from now. */
  readonly tokensUntil?: Date | undefined;
}

export interface SessionQuery {
  readonly userId?: string | undefined;
  readonly limit: number;
  readonly after?: { readonly createdAt: Date; readonly id: string } | undefined;
  /** Only those that can be refreshed at this moment. Absent: all. */
  readonly liveAt?: Date | undefined;
}

export interface SessionStore {
  /**
   * Throws `Conflict` on `userId` if there is no such active user, on `id`, and on `password` if the user has another one by
   * now: all in one transaction, so that no session outlives the password that it was made with. Audit
   * `password.unlocked` where logins with the password were locked.
   */
  create(session: NewSession): Promise<SessionRecord>;
  load(id: string): MaybePromise<SessionRecord | undefined>;
  /** Newest first; equal instants in descending order of id. */
  list(query: SessionQuery): Promise<readonly SessionRecord[]>;
  /**
   * Compare and set, in one transaction: of any number of calls with one generation, one gets `rotated`. Reuse revokes
   * the session, appends its revocation event and an audit row (`session.reuse_detected`).
   */
  rotate(id: string, rotation: Rotation): Promise<RotationResult>;
  /** Appends the revocation event and an audit row (`session.revoked`). Undefined if there is no such session; a session
   *  that is revoked already keeps its first reason. */
  revoke(id: string, why: Why): Promise<SessionRecord | undefined>;
  /**
   * Ends all of a user's sessions, except one if that is named: an event for each, and an audit row for them together
   * (`session.all_revoked`). Also everything else that was issued to the user until the end of this second: an
   * `issued-before` event, which spares the tokens of sessions where one is kept. Returns how many sessions ended.
   */
  revokeAll(userId: string, why: RevokeAll): Promise<number>;
  /** Forgets sessions that have been over for `keepSeconds`: revoked, or past `refreshUntil`. */
  prune(now: Date, keepSeconds: number): Promise<void>;
}

/** Guesses at a password or a code, counted for each identity, whether there is such a user or not. */
export interface AttemptStore {
  /**
   * Counts one guess before it is looked at, atomically, and admits it unless
   * - `limit` guesses were counted within the last `windowSeconds`, or
   * - the delay after the last one has not passed: none before the second, one second before the third, and it doubles
   *   with each one that counts, up to 60 seconds.
   *
   * So at most `limit` are admitted in any stretch of `windowSeconds`, and of those that come at once at most two. A
   * refused one is not counted and prolongs nothing: waiting `retryAfterSeconds` is enough. An identity is any text,
   * kept as a digest; texts that differ are counted apart, so the caller brings it into one form.
   */
  begin(identity: string, rule: AttemptRule): Promise<AttemptVerdict>;
  /** Forgets the guesses of an identity: one was right. */
  clear(identity: string): Promise<void>;
  /** Forgets the latest guess of an identity: it was right, and says nothing of the others. */
  takeBack(identity: string): Promise<void>;
  /** Has this user logged in from this network within the last 30 days, and since the last change of the password? */
  knows(userId: string, network: string, now: Date): Promise<boolean>;
  /** Forgets the guesses that count no more, and networks that are known no more. */
  prune(now: Date): Promise<void>;
}

/** Logins with the password of an account since one was right. */
export interface PasswordStreak {
  readonly userId: string;
  /** So many are looked at. */
  readonly limit: number;
  /** With so many the account counts as locked (`UserRecord.passwordLockedAt`). Audit `password.locked`. */
  readonly lockAt: number;
}

export interface AttemptRule {
  readonly limit: number;
  readonly windowSeconds: number;
  readonly now: Date;
  /** So many guesses wait for nothing. Default: 2. */
  readonly freeGuesses?: number | undefined;
  /** Counted as well, in the same transaction, where the guess is admitted. */
  readonly streak?: PasswordStreak | undefined;
}

/** `locked`: the streak's limit is reached. The guess is counted like every other one, and must not be looked at. */
export type AttemptVerdict =
  | { readonly ok: true; readonly locked: boolean }
  | { readonly ok: false; readonly retryAfterSeconds: number };

/** A user's authenticator app (RFC 6238). */
export interface TotpRecord {
  readonly userId: string;
  /** The shared secret, sealed. */
  readonly sealedSecret: Uint8Array;
  /** Undefined until a first code was right. Only then it is asked for. */
  readonly confirmedAt: Date | undefined;
  /** The last time step that was used; codes of it and of earlier ones are refused. */
  readonly lastStep: number;
}

/** The first code that was right, and the secret that it was checked with. */
export interface FirstStep {
  readonly step: number;
  readonly sealedSecret: Uint8Array;
}

/** It goes when its user is deleted, and so do the recovery codes. */
export interface TotpStore {
  load(userId: string): Promise<TotpRecord | undefined>;
  /** Begins an enrolment; one that was begun and not confirmed is replaced. Throws `Conflict` on `userId` if one is
   *  confirmed, or if there is no such user. */
  enroll(userId: string, sealedSecret: Uint8Array): Promise<void>;
  /**
   * Confirms an enrolment with its first step, and replaces the recovery codes. False if there is none of that secret to
   * confirm: another may have been begun since the code was checked. Audit `totp.enabled`.
   */
  confirm(userId: string, first: FirstStep, recoveryDigests: readonly Uint8Array[]): Promise<boolean>;
  /** Uses a step up: compare and set. False if it, or a later one, was used before, or if nothing is confirmed. */
  useStep(userId: string, step: number): Promise<boolean>;
  /** Uses a recovery code up. False if there is no such unused code. Audit `totp.recovery_code_used`. */
  useRecoveryCode(userId: string, digest: Uint8Array): Promise<boolean>;
  /** Removes the enrolment and its recovery codes. False if there was none. Audit `totp.disabled`. */
  disable(userId: string, by: string): Promise<boolean>;
}

/** A key that signs tokens, from its making until the last token that it signed has expired. */
export interface SigningKeyRecord {
  readonly kid: string;
  readonly algorithm: string;
  /** A JWK of the public part, as JSON; undefined for a symmetric key. */
  readonly publicJwk: string | undefined;
  /** The private or shared part, sealed. */
  readonly sealedKey: Uint8Array;
  /** How long the longest-lived token that it signs is good for. */
  readonly lifetimeSeconds: number;
  readonly createdAt: Date;
  /** From when on it signs; it is published before. */
  readonly activeFrom: Date;
  /** From when on it signs no more; undefined while nobody has said so. */
  readonly retiredAt: Date | undefined;
  /** From when on nothing that it signed is accepted: all of it has expired by then, unless the key was removed. */
  readonly removedAt: Date | undefined;
}

export type NewSigningKey = Omit<SigningKeyRecord, "createdAt" | "retiredAt" | "removedAt">;

/**
 * The keys of one issuer. At most one of them is without an end, `retiredAt`; once there is one, there always is. A key
 * that was removed never comes back.
 */
export interface SigningKeyStore {
  /** Undefined, and nothing is made, if there is a key without an end. Throws `Conflict` on `kid`. Audit
   *  `signing_key.created`. */
  createFirst(key: NewSigningKey, by: string): Promise<SigningKeyRecord | undefined>;
  /**
   * Creates a key that takes the place of all others, in one transaction. They are retired: they sign until its
   * `activeFrom`, and are accepted until what they signed has expired. Or they are removed, as by `remove`. Throws
   * `Conflict` on `kid`. Audit `signing_key.created`, and `signing_key.retired` or `signing_key.removed`.
   */
  rotate(key: NewSigningKey, others: "retire" | "remove", by: string): Promise<SigningKeyRecord>;
  /** Oldest first; those whose `removedAt` has passed are left out. */
  list(now: Date): Promise<readonly SigningKeyRecord[]>;
  /**
   * Lets nothing that a key has signed be accepted from now on: appends the revocation event. Where no other key would
   * sign in its place, the successor is created, as by `rotate`. Undefined if there is no such key. Throws `Conflict`
   * on `kid` for the successor's. Audit `signing_key.removed`.
   */
  remove(kid: string, successor: NewSigningKey, by: string): Promise<SigningKeyRecord | undefined>;
  /** Says that a key is about to sign tokens of this lifetime, so that it is kept for as long. False if there is no
   *  such key, or it signs no more. */
  extend(kid: string, lifetimeSeconds: number): Promise<boolean>;
}

/** Somebody at another issuer. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

/** Who a user is at another issuer: never linked by an email address. The link goes when its user is deleted. */
export interface LinkedIdentity extends Identity {
  readonly userId: string;
}

/** A user that is made for an identity: one without any right, and without a password. */
export interface PlainUser {
  /** As `NewUser` has them. */
  readonly username: string;
  readonly email?: string | undefined;
  readonly tenantId?: string | undefined;
}

/**
 * - `provisioned`: the user was made, and linked.
 * - `linked`: somebody else was quicker, or it was linked all along: to this user.
 * - `former`: it was linked once, and is not now. Nothing was made.
 */
export type Provisioning =
  | { readonly kind: "provisioned" | "linked"; readonly userId: string }
  | { readonly kind: "former" };

export interface IdentityStore {
  find(issuer: string, subject: string): Promise<LinkedIdentity | undefined>;
  /** Those of a user, in order of issuer and subject. */
  list(userId: string): Promise<readonly LinkedIdentity[]>;
  /**
   * Throws `Conflict` on `subject` if it is linked already, and on `userId` if there is no such user. An identity that
   * was unlinked may be linked again. Audit `identity.linked`.
   */
  link(identity: LinkedIdentity, by: string): Promise<void>;
  /** Undefined if it is not linked. Appends the event of a changed user. Audit `identity.unlinked`. */
  unlink(identity: Identity, by: string): Promise<LinkedIdentity | undefined>;
  /** Was it linked once, and is not now: unlinked, or its user deleted? Such a one is never provisioned. */
  isFormer(issuer: string, subject: string): Promise<boolean>;
  /**
   * Makes a user for an identity that was never linked, in one transaction: of any number of calls, one makes a user.
   * Throws `Conflict` on `username`, `email` or `tenant`. Audit `identity.provisioned`.
   */
  provision(identity: Identity, user: PlainUser, by: string): Promise<Provisioning>;
}

/** Everything that logging in needs to remember. */
export interface SessionStores {
  readonly sessions: SessionStore;
  readonly attempts: AttemptStore;
  readonly totp: TotpStore;
  readonly audit: AuditStore;
  readonly signingKeys: SigningKeyStore;
  readonly identities: IdentityStore;
}
