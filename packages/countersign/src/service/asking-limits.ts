import type { Decision } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { type CallLimits, createCallLimits, requireRoom } from "./call-limits.ts";

export interface AskingLimitsOptions {
  /** Default: limits of this process. */
  readonly limits?: CallLimits | undefined;
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
  const { limits = createCallLimits(), perMinute = 600, wrongPerMinute = 60 } = options;
  const all = { limit: perMinute, windowSeconds: 60 };
  const wrong = { limit: wrongPerMinute, windowSeconds: 60 };
  return Object.freeze({
    async ask(caller: Principal) {
      await requireRoom(limits, `wrong ${nameOf(caller)}`, { limit: wrong, calls: 0 });
      await requireRoom(limits, `asked ${nameOf(caller)}`, { limit: all });
    },
    async wasWrong(caller: Principal) {
      await limits.take(`wrong ${nameOf(caller)}`, wrong);
    },
  });
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
