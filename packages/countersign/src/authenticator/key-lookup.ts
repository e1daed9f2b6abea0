import { andThen, type MaybePromise } from "../core/decision.ts";
import type { DenialSubject, Reason } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { createKeyDigests, type Pepper } from "../keys/key-digest.ts";
import { type ParsedApiKey, parseApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord, ApiKeySource } from "../store/api-key-contracts.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";
import type { Redigested } from "../store/secret-contracts.ts";

/** A key that is good, and whose it is. */
export interface GoodKey {
  readonly ok: true;
  readonly key: Pick<
    ApiKeyRecord,
    | ("id" | "name" | "type" | "scopes" | "roles" | "expiresAt" | "graceEndsAt")
    | ("addressRanges" | "methods" | "callLimits")
  >;
  readonly owner: UserAccount;
}

/** A key that is not. */
export interface NoKey {
  readonly ok: false;
  readonly reason: Reason;
  /** The record's id, and whose it is, where there is one. For logs, and for who guards on our behalf. */
  readonly subject?: DenialSubject | undefined;
}

/** Where a key that is not remembered is read. Throws when it cannot tell. */
export interface KeyLookup {
  /** `text` is the whole key, of which `parsed` are the parts. */
  find(parsed: ParsedApiKey, text: string, now: () => number): MaybePromise<GoodKey | NoKey>;
  /** Why a good key is of no use here; undefined if it is. Default: all of them are. */
  refuses?(principal: Principal): Reason | undefined;
}

export interface StoredKeysOptions {
  /** Where keys are stored. */
  readonly keys: ApiKeySource;
  /** Where their owners are. A key of an owner who is gone or disabled is refused. */
  readonly users: UserSource;
  /** The peppers of stored digests: the first is the current one. */
  readonly peppers: readonly [Pepper, ...Pepper[]];
  /** Hears of the digest under the current pepper of each key that is read, found right, and stored under an older one. Must not throw. */
  readonly onOlderPepper?: ((change: Redigested) => void) | undefined;
}

/** Keys in a store of one's own. */
export function storedKeys({ keys, users, peppers, onOlderPepper }: StoredKeysOptions): KeyLookup {
  const digests = createKeyDigests(peppers);
  const settle = (
    parsed: ParsedApiKey,
    record: ApiKeyRecord | undefined,
    now: () => number,
  ): MaybePromise<GoodKey | NoKey> => {
    if (!digests.matches(parsed.body, record) || record === undefined)
      return { ok: false, reason: "API_KEY_INVALID", subject: record && subjectOf(record) };
    const settled = provenKey(record, { users, now });
    // Only now is the key's secret there.
    if (record.pepperId !== peppers[0].id && apiKeyStatus(record, new Date(now())) === "active") {
      const { id, digest, pepperId } = record;
      onOlderPepper?.({ id, from: { digest, pepperId }, to: digests.digest(parsed.body) });
    }
    return settled;
  };
  return Object.freeze({
    find: (parsed: ParsedApiKey, _text: string, now: () => number) =>
      andThen(keys.load(parsed.id), (record) => settle(parsed, record, now)),
  });
}

/** What a key is worth whose secret was proven: its own state, and its owner's. */
export function provenKey(
  record: ApiKeyRecord,
  { users, now }: { readonly users: UserSource; readonly now: () => number },
): MaybePromise<GoodKey | NoKey> {
  const subject = subjectOf(record);
  const reason = refusalOf[apiKeyStatus(record, new Date(now()))];
  if (reason !== undefined) return { ok: false, reason, subject };
  return andThen(users.load(record.userId), (owner): GoodKey | NoKey => {
    if (owner === undefined) return { ok: false, reason: "API_KEY_REVOKED", subject };
    if (!owner.isActive) return { ok: false, reason: "USER_DISABLED", subject };
    return { ok: true, key: record, owner };
  });
}

/** Whose a key is. */
export function subjectOf({
  id: apiKeyId,
  userId,
  tenantId,
}: Pick<ApiKeyRecord, "id" | "userId" | "tenantId">): DenialSubject {
  return { apiKeyId, userId, tenantId };
}

const refusalOf = {
  active: undefined,
  disabled: "API_KEY_DISABLED",
  expired: "API_KEY_EXPIRED",
  revoked: "API_KEY_REVOKED",
} as const;

export interface ApiKeyFinderOptions extends StoredKeysOptions {
  /** What keys begin with. Default: `cs`. */
  readonly prefix?: string | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Reads a key as it was sent, and its owner: nothing is remembered. For `validatesApiKeys({ find })`. */
export function findsApiKeys(options: ApiKeyFinderOptions): (key: string) => MaybePromise<GoodKey | NoKey> {
  const { prefix = "cs", now = Date.now } = options;
  const stored = storedKeys(options);
  return (text) => {
    const parsed = parseApiKey(text, { prefix });
    if (parsed === undefined) return { ok: false, reason: "API_KEY_INVALID" };
    return stored.find(parsed, text, now);
  };
}
