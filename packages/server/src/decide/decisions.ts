import {
  type Auth,
  type Call,
  type Decision,
  deny,
  type FollowedCall,
  type MaybePromise,
  type Principal,
} from "countersign";
import { type GuardedProcedures, protocolOf } from "./guarded-procedures.ts";
import type { IdentityTokens } from "./identity-tokens.ts";
import { ProxiedCall, type ProxiedRequest } from "./proxied-call.ts";

/** The answer to a proxy, whatever it speaks. */
export interface Verdict {
  readonly call: Call;
  readonly decision: Decision<Principal>;
  /** What the service behind it is handed. Undefined for anonymous callers, and where no upstream is configured. */
  readonly identity: string | undefined;
}

/** Stands in the request log for everything that is not guarded: strangers choose paths, and a log is not theirs to fill with names. */
export const unknownProcedure = "unknown";

export interface DecisionsOptions {
  /** Of what is guarded from outside, and nothing else. */
  readonly auth: Auth<Principal>;
  readonly procedures: GuardedProcedures;
  /** Undefined where no upstream is configured. */
  readonly identities: IdentityTokens | undefined;
  /** Told of a path that is guarded nowhere. */
  readonly onUnknown: (path: string) => void;
  /** Told of a token that cannot be signed. */
  readonly onError: (error: unknown, procedure: string) => void;
}

/** Decides for services that are guarded from outside: the same `decide()`, log, limits and throttle as at every other door. */
export class Decisions {
  readonly #options: DecisionsOptions;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /** Never throws and never rejects. */
  ask(request: ProxiedRequest): MaybePromise<Verdict> {
    const { auth, procedures, onUnknown } = this.#options;
    const procedure = procedures.find(request);
    if (procedure === undefined) onUnknown(request.target);
    const named = procedure ?? unknownProcedure;
    const call = new ProxiedCall(protocolOf(named, request.contentType), named, request);
    const followed = auth.follow?.(call);
    const decision = auth.decide(call);
    return decision instanceof Promise
      ? decision.then((settled) => this.#conclude(call, settled, followed))
      : this.#conclude(call, decision, followed);
  }

  #conclude(
    call: Call,
    decision: Decision<Principal>,
    followed: FollowedCall<Principal> | undefined,
  ): MaybePromise<Verdict> {
    const end = (settled: Decision<Principal>, identity?: string): Verdict => {
      followed?.decided(settled);
      // What comes of the request is the proxy's to know.
      followed?.end(0);
      return { call, decision: settled, identity };
    };
    if (!decision.ok) return end(decision);
    const identity = this.#options.identities?.tokenFor(decision, call.procedure);
    if (!(identity instanceof Promise)) return end(decision, identity);
    return identity.then(
      (token) => end(decision, token),
      (cause) => {
        this.#options.onError(cause, call.procedure);
        return end(deny("UNAVAILABLE", { cause }));
      },
    );
  }
}
