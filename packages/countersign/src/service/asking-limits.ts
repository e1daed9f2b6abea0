import type { Principal } from "../core/principal.ts";
import { type CallLimits, createCallLimits, requireRoom } from "./call-limits.ts";

export interface AskingLimitsOptions {
  /** Default: limits of this process. */
  readonly limits?: CallLimits | undefined;
  /** Questions of one caller in a minute. Default: 600. */
  readonly perMinute?: number | undefined;
  /** Of them, those about credentials that were not good. Default: 60. */
  readonly wrongPerMinute?: number | undefined;
}

/** What keeps those who may ask about other people's credentials from guessing at them. */
export interface AskingLimits {
  /** Throws `RATE_LIMITED`. */
  ask(caller: Principal): Promise<void>;
  /** It was about a credential that is not good. */
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

/** Each key is a caller of its own. */
function nameOf({ apiKey, userId }: Principal): string {
  return apiKey === undefined ? `user:${userId}` : `key:${apiKey.type}:${apiKey.id}`;
}
