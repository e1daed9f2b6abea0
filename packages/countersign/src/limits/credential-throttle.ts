import type { Call } from "../core/call.ts";
import { type Denied, deny } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import { type CredentialThrottle, isBadCredential, type RateLimit } from "../core/limit.ts";
import type { LimitTake } from "./limit-store.ts";
import { createMemoryLimits, type MemoryLimits } from "./memory-limits.ts";
import { type NetworkOf, networkReader } from "./network.ts";

export interface CredentialThrottleOptions {
  /** Credentials that nobody has issued, of one network (IPv4 /24, IPv6 /64) in a minute. Default: 300. 0: not counted. */
  readonly perNetwork?: number | undefined;
  /** Refusals of one API key, of one network in a minute, whatever the reason. Default: 30. 0: not counted. */
  readonly perKey?: number | undefined;
  /** Addresses and ranges that many callers share, such as proxies: not counted. Default: loopback addresses. */
  readonly sharedAddresses?: readonly string[] | undefined;
  /** Milliseconds on a clock that nobody sets. Default: `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
}

const windowSeconds = 60;

/** What refuses a key that was good once: each costs a look into the store. */
const ofKeys: ReadonlySet<Reason> = new Set<Reason>([
  ...(["API_KEY_EXPIRED", "API_KEY_REVOKED", "API_KEY_DISABLED", "USER_DISABLED"] as const),
]);

/**
 * Counts bad credentials by where they come from, on this node alone: what it saves is this node's own work, and asking
 * anybody else would cost more than that. A credential that is remembered as good is never refused by it, nor is one that comes
 * from elsewhere: a key's refusals are counted for each network apart.
 */
export function createCredentialThrottle(options: CredentialThrottleOptions = {}): CredentialThrottle {
  return new Throttle(options);
}

class Throttle implements CredentialThrottle {
  readonly #networkOf: NetworkOf;
  readonly #elapsed: () => number;
  readonly #counts: MemoryLimits;
  readonly #network: RateLimit | undefined;
  readonly #key: RateLimit | undefined;
  readonly #spared = new WeakSet<Call>();
  /** Until then somebody may have sent too much. Nobody is looked at in times of peace. */
  #alertUntil = Number.NEGATIVE_INFINITY;

  constructor(options: CredentialThrottleOptions) {
    const { perNetwork = 300, perKey = 30, sharedAddresses, elapsed = () => performance.now() } = options;
    this.#network = rateOf("network", perNetwork);
    this.#key = rateOf("key", perKey);
    this.#networkOf = networkReader(sharedAddresses, { ipv4Bits: 24 });
    this.#elapsed = elapsed;
    this.#counts = createMemoryLimits({ elapsed });
  }

  refusalBefore(call: Call, apiKeyId?: string): Denied | undefined {
    if (this.#elapsed() >= this.#alertUntil || this.#spared.has(call)) return undefined;
    const network = this.#networkOf(call.peer.address);
    return network === undefined ? undefined : this.#ask(this.#takes(network, true, apiKeyId), 0, apiKeyId);
  }

  refused(call: Call, denied: Denied): Denied {
    const { reason, subject } = denied.denial;
    const apiKeyId = subject?.apiKeyId;
    const bad = isBadCredential(reason);
    if (!bad && (apiKeyId === undefined || !ofKeys.has(reason))) return denied;
    const network = this.#networkOf(call.peer.address);
    if (network === undefined) return denied;
    const tooMany = this.#ask(this.#takes(network, bad, apiKeyId), 1, apiKeyId);
    // Of a credential that was good once, the reason is no secret and costs nothing.
    return tooMany === undefined || !bad ? denied : tooMany;
  }

  spare(call: Call): void {
    this.#spared.add(call);
  }

  #takes(network: string, ofNetwork: boolean, apiKeyId: string | undefined): readonly LimitTake[] {
    const takes: LimitTake[] = [];
    if (this.#key !== undefined && apiKeyId !== undefined)
      takes.push({ limit: this.#key, subject: `${apiKeyId} ${network}` });
    if (this.#network !== undefined && ofNetwork) takes.push({ limit: this.#network, subject: network });
    return takes;
  }

  #ask(takes: readonly LimitTake[], calls: 0 | 1, apiKeyId: string | undefined): Denied | undefined {
    const verdict = this.#counts.take(takes.map((take) => ({ ...take, calls })));
    if (verdict.ok) {
      const full =
        calls === 1 && this.#counts.usage(takes).some(({ used }, n) => used >= (takes[n]?.limit.limit ?? 0));
      if (full) this.#alertUntil = this.#elapsed() + windowSeconds * 1000;
      return undefined;
    }
    const { full, retryAfterSeconds } = verdict;
    const cause = `too many bad credentials: ${full.limit.name} ${full.subject}`;
    return deny("RATE_LIMITED", {
      retryAfterSeconds,
      cause,
      ...(apiKeyId !== undefined && { subject: { apiKeyId } }),
    });
  }
}

function rateOf(name: string, limit: number): RateLimit | undefined {
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new TypeError(`per ${name}: a number of credentials, or 0`);
  return limit === 0 ? undefined : { kind: "rate", name, limit, windowSeconds };
}
