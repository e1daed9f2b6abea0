import type { AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { callLimitOf } from "../core/call-allowance.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { DenialDetail, DenialSubject, Reason } from "../core/denial.ts";
import type { ApiKeyIdentity, Principal } from "../core/principal.ts";
import type { RevocationSubject, Verdict } from "../core/revocation.ts";
import { compileRestriction, type KeyRestriction } from "../keys/key-restriction.ts";
import { principalOf } from "./account.ts";
import { type CachedCredential, fill, recheck, refusal } from "./cached-credential.ts";
import { type CredentialCache, createCredentialCache } from "./credential-cache.ts";
import type { GoodKey } from "./key-lookup.ts";
import type { OnScopeUsed } from "./noted-permissions.ts";

/**
 * What becomes of a key that is limited to addresses or methods: its calls are checked, or, where it did not come with the call
 * that it is checked in, it is refused.
 */
export type Restricted = "checked" | "refused";

/** What all stored keys have in common, whoever made them. */
export interface KeyCheckerOptions<P> {
  readonly name: string;
  readonly challenge: string;
  readonly capacity: number;
  readonly restricted: Restricted;
  readonly clientAddress: (call: Call) => string | undefined;
  readonly onScopeUsed: OnScopeUsed | undefined;
  /** Why a good key is of no use here; undefined if it is. Default: all of them are. */
  readonly refuses?: ((principal: Principal) => Reason | undefined) | undefined;
  readonly toPrincipal: (principal: Principal) => P;
}

interface KeyCredential<P> extends CachedCredential<P> {
  /** What it is refused with from `decision.expiresAt` on. */
  readonly ended: "API_KEY_EXPIRED" | "API_KEY_REVOKED";
  readonly restriction: KeyRestriction | undefined;
}

/** Keys that were found good, and what has to hold at each use: their end, what was revoked, and where and what for. */
export class KeyChecker<P> {
  readonly #options: KeyCheckerOptions<P>;
  readonly #runtime: AuthRuntime;
  readonly #cache: CredentialCache<KeyCredential<P>>;

  constructor(options: KeyCheckerOptions<P>, runtime: AuthRuntime) {
    this.#options = options;
    this.#runtime = runtime;
    this.#cache = createCredentialCache({ capacity: options.capacity });
    runtime.onCache?.(this.#cache);
  }

  /** The answer for a key that is remembered. Undefined: it has to be read. */
  recall(digest: string, call: Call): Decision<P> | undefined {
    const cached = this.#cache.get(digest);
    if (cached === undefined) return undefined;
    if (this.#runtime.now() >= cached.decision.expiresAt)
      return this.deny(cached.ended, whose(cached.subject));
    if (cached.stamp !== this.#runtime.revocations.version) {
      const verdict = recheck(this.#runtime, cached);
      if (verdict === "stale") return undefined;
      if (verdict !== "good") return this.#refuse(verdict, whose(cached.subject));
    }
    return cached.restriction === undefined ? cached.decision : this.#restricted(cached, call);
  }

  /** Is a key remembered, as it is or as it was? */
  knows(digest: string): boolean {
    return this.#cache.has(digest);
  }

  /** Reads a key, checks where it may be used, and remembers it if it is good. `read` says whose it is once its secret is proven. */
  read(
    digest: string,
    call: Call,
    read: () => MaybePromise<GoodKey | Denied>,
    keyId?: string,
  ): MaybePromise<Decision<P>> {
    let found: KeyCredential<P> | undefined;
    const decided = fill<P, KeyCredential<P>>(
      this.#runtime,
      (stamp) => andThen(read(), (found) => (found.ok ? this.#found(found, stamp) : found)),
      (credential) => {
        found = credential;
        this.#cache.set(digest, credential);
      },
      (verdict) => this.#refuse(verdict, { apiKeyId: keyId }),
    );
    return andThen(decided, (decision) =>
      decision.ok && found?.restriction !== undefined ? this.#restricted(found, call) : decision,
    );
  }

  deny(reason: Reason, subject?: DenialSubject, more: DenialDetail = {}): Denied {
    return deny(reason, { ...this.#detail(subject), ...more });
  }

  #found({ key: record, owner }: GoodKey, stamp: number): KeyCredential<P> | Denied {
    const { name, refuses, toPrincipal } = this.#options;
    const principal = principalOf(owner, this.#factsOf(record), this.#runtime.roles);
    const reason = refuses?.(principal);
    if (reason !== undefined)
      return this.deny(reason, {
        apiKeyId: record.id,
        userId: principal.userId,
        tenantId: principal.tenantId,
      });
    const { expiresAt, graceEndsAt } = record;
    const end = (graceEndsAt ?? expiresAt)?.getTime() ?? Number.POSITIVE_INFINITY;
    // No comparison with such a date is ever true: the key would never expire.
    if (Number.isNaN(end)) throw new TypeError(`the key ${record.id} expires at an invalid date`);
    return {
      decision: allow(toPrincipal(principal), name, end),
      // The account's own spelling of the id, which is the one that the revocation log has.
      subject: { userId: principal.userId, tenantId: principal.tenantId, keyId: record.id },
      stamp,
      ended: graceEndsAt === undefined ? "API_KEY_EXPIRED" : "API_KEY_REVOKED",
      restriction: compileRestriction(record),
    };
  }

  #restricted({ restriction, decision, subject }: KeyCredential<P>, call: Call): Decision<P> {
    const { restricted, clientAddress } = this.#options;
    const cause =
      restricted === "refused"
        ? "the key is limited to addresses or methods, and nobody can tell from where it came"
        : restriction?.problemOf(call, clientAddress(call));
    if (cause === undefined) return decision;
    return deny("PERMISSION_DENIED", { cause, subject: whose(subject) });
  }

  #factsOf(record: GoodKey["key"]) {
    const { id, name, type, scopes, roles, callLimits } = record;
    const identity: ApiKeyIdentity = Object.freeze({
      ...{ id, name, type, scopes, roles },
      ...(callLimits.length > 0 && { callLimits: callLimits.map(callLimitOf) }),
    });
    const { onScopeUsed } = this.#options;
    return { authenticator: this.#options.name, apiKey: identity, clientId: id, onScopeUsed };
  }

  #refuse(verdict: Exclude<Verdict, "good">, subject: DenialSubject): Denied {
    const reasons = { revoked: "API_KEY_REVOKED", gone: "API_KEY_REVOKED" } as const;
    return refusal(verdict, reasons, this.#detail(subject));
  }

  #detail(subject: DenialSubject | undefined): DenialDetail {
    const challenges = [this.#options.challenge];
    return subject === undefined ? { challenges } : { challenges, subject };
  }
}

function whose({ keyId: apiKeyId, userId, tenantId }: RevocationSubject): DenialSubject {
  return { apiKeyId, userId, tenantId };
}
