import type { Decision } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import type { RateLimit } from "../core/limit.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { LimitStore, LimitTake } from "../limits/limit-store.ts";
import { createMemoryLimits } from "../limits/memory-limits.ts";

export interface AskingLimitsOptions {
  /** Where questions are counted. Default: in this process. */
  readonly limits?: LimitStore | undefined;
  /** Questions of one caller in a minute. Default: 600. */
  readonly perMinute?: number | undefined;
  /** Of them, those about credentials that somebody made up. Default: 60. */
  readonly wrongPerMinute?: number | undefined;
}

/** What keeps those who may ask about other people's credentials from guessing at them. */
export interface AskingLimits {
  /** Throws `RATE_LIMITED`. */
  ask(caller: Principal): Promise<void>;
  /** It was about a credential that somebody made up. */
  wasWrong(caller: Principal): Promise<void>;
}

export function createAskingLimits(options: AskingLimitsOptions = {}): AskingLimits {
  const { limits = createMemoryLimits(), perMinute = 600, wrongPerMinute = 60 } = options;
  const all = inAMinute("asked", perMinute);
  const wrong = inAMinute("asked-wrong", wrongPerMinute);
  return Object.freeze({
    async ask(caller: Principal) {
      const subject = nameOf(caller);
      const verdict = await limits.take([
        { limit: wrong, subject, calls: 0 },
        { limit: all, subject },
      ]);
      if (!verdict.ok) throw new Refusal("RATE_LIMITED", { retryAfterSeconds: verdict.retryAfterSeconds });
    },
    async wasWrong(caller: Principal) {
      const take: LimitTake = { limit: wrong, subject: nameOf(caller) };
      await limits.take([take]);
    },
  });
}

function inAMinute(name: string, limit: number): RateLimit {
  return { kind: "rate", name, limit, windowSeconds: 60 };
}

/** What is said of a credential that was never ours. One that was good once is no guess. */
const guessed: readonly Reason[] = ["TOKEN_INVALID", "API_KEY_INVALID", "CREDENTIALS_MALFORMED"];

/** Was it made up? Throws `UNAVAILABLE` where nobody can tell: that is no answer about it. */
export function isGuess(decision: Decision<Principal> | undefined): boolean {
  if (decision === undefined) return true;
  if (decision.ok) return false;
  if (decision.denial.reason === "UNAVAILABLE") throw new Refusal("UNAVAILABLE");
  return guessed.includes(decision.denial.reason);
}

/** Each key is a caller of its own. */
function nameOf({ apiKey, userId }: Principal): string {
  return apiKey === undefined ? `user:${userId}` : `key:${apiKey.type}:${apiKey.id}`;
}
