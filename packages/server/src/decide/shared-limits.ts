import type { CallLimiter, Principal } from "countersign";

export interface SharedLimits {
  /** For what this program serves itself. */
  readonly here: CallLimiter<Principal>;
  /** For what is guarded from outside: a caller is counted once, wherever it comes in. */
  readonly outside: CallLimiter<Principal>;
}

export interface SharedLimitsOptions {
  /** What is guarded from outside. */
  readonly outside: Iterable<string>;
  /** What proxies call to ask: it is their callers who are counted. */
  readonly asking: readonly string[];
}

/** One set of limits for both sides. A limit may name procedures of either. */
export function shareLimits(
  limits: CallLimiter<Principal>,
  { outside, asking }: SharedLimitsOptions,
): SharedLimits {
  const elsewhere = [...outside];
  const uncounted: ReadonlySet<string> = new Set(asking);
  const take: CallLimiter<Principal>["take"] = (call, principal) => limits.take(call, principal);
  return {
    here: {
      take: (call, principal) => (uncounted.has(call.procedure) ? undefined : take(call, principal)),
      seal: (served) => limits.seal([...served, ...elsewhere]),
    },
    // Sealed together with the others.
    outside: { take, seal: () => {} },
  };
}
