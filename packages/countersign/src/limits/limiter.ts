import type { Call } from "../core/call.ts";
import { andThen, type Denied, deny, isPromise, type MaybePromise } from "../core/decision.ts";
import { requireKnown } from "../core/known-options.ts";
import type { CallLimit, CallLimiter } from "../core/limit.ts";
import type { ApiKeyIdentity, Principal } from "../core/principal.ts";
import { requireCallLimit } from "./call-window.ts";
import type { LimitStore, LimitTake, LimitVerdict } from "./limit-store.ts";
import { createMemoryLimits } from "./memory-limits.ts";
import { type NetworkOf, networkReader } from "./network.ts";

/**
 * Whose calls are counted together: those of an API key, of a user (by whatever credential), or of an IPv4 address or IPv6
 * /64. A call without one is not counted: with a token there is no key, and addresses that many callers share say nothing.
 */
export type LimitedBy = "key" | "user" | "address";

/** A limit, and which calls fall under it. */
export type LimitRule = CallLimit & {
  readonly per: LimitedBy;
  /**
   * `/package.Service/Method`, `/package.Service/*`, or `POST /path`. Default: every call. Health checks are never
   * counted, and open procedures only per address.
   */
  readonly methods?: readonly string[] | undefined;
};

/** Who calls, as far as limits are concerned. */
export interface LimitSubject {
  readonly userId?: string | undefined;
  readonly apiKeyId?: string | undefined;
  /** The key's own limits, beside those for all. */
  readonly callLimits?: readonly CallLimit[] | undefined;
}

export interface LimiterOptions<P> {
  /** Names are apart. Default: none but those of keys. */
  readonly limits?: readonly LimitRule[] | undefined;
  /** Where rates are counted. Default: in this process (`createMemoryLimits()`). */
  readonly rates?: LimitStore | undefined;
  /**
   * Where quotas are counted. Default: where rates are. With another one a rate is given back where a quota is full, and for
   * that moment it may refuse somebody else.
   */
  readonly quotas?: LimitStore | undefined;
  /** Addresses and ranges that many callers share, such as proxies. Default: loopback addresses. */
  readonly sharedAddresses?: readonly string[] | undefined;
  /** Default: the user and the key of a `Principal`. */
  readonly subjectOf?: ((principal: P) => LimitSubject) | undefined;
}

/** Limits for `createAuth({ limits })`. Throws `TypeError` for limits that cannot be. */
export function createLimiter<P = Principal>(options: LimiterOptions<P> = {}): CallLimiter<P> {
  requireKnown("createLimiter()", options, ["limits", "rates", "quotas", "sharedAddresses", "subjectOf"]);
  return new Limiter<P>(options);
}

const none: readonly LimitRule[] = Object.freeze([]);
const nobody: LimitSubject = Object.freeze({});
/** More than any server has: what a proxy asks about may be any path. */
const mostProcedures = 10_000;

class Limiter<P> implements CallLimiter<P> {
  readonly #limits: readonly LimitRule[];
  readonly #rates: LimitStore;
  readonly #quotas: LimitStore;
  readonly #networkOf: NetworkOf;
  readonly #subjectOf: (principal: P) => LimitSubject;
  readonly #ofProcedure = new Map<string, readonly LimitRule[]>();
  readonly #ownLimits = new WeakMap<readonly CallLimit[], readonly CallLimit[]>();

  constructor(options: LimiterOptions<P>) {
    const { limits = [], rates = createMemoryLimits(), sharedAddresses } = options;
    const names = new Set<string>();
    for (const limit of limits) {
      requireLimitRule(limit);
      if (names.has(limit.name)) throw new TypeError(`two limits named "${limit.name}"`);
      names.add(limit.name);
    }
    this.#limits = limits.map((limit) => Object.freeze({ ...limit }));
    this.#rates = rates;
    this.#quotas = options.quotas ?? rates;
    this.#networkOf = networkReader(sharedAddresses);
    this.#subjectOf = options.subjectOf ?? ((principal) => subjectOfPrincipal(principal as Principal));
  }

  take(call: Call, principal: P | undefined): MaybePromise<Denied | undefined> {
    const rules = this.#limits.length === 0 ? none : this.#rulesOf(call.procedure);
    const subject = principal === undefined ? nobody : this.#subjectOf(principal);
    if (rules.length === 0 && subject.callLimits === undefined) return undefined;
    const takes: LimitTake[] = [];
    for (const limit of rules) {
      const whose = this.#whose(limit.per, subject, call);
      if (whose !== undefined) takes.push({ limit, subject: whose });
    }
    const { apiKeyId, callLimits } = subject;
    if (callLimits !== undefined && apiKeyId !== undefined)
      for (const limit of this.#ofKey(callLimits)) takes.push({ limit, subject: apiKeyId });
    return takes.length === 0 ? undefined : this.#count(takes);
  }

  seal(served: Iterable<string>): void {
    const procedures = [...served];
    for (const { name, methods = [] } of this.#limits) {
      const stray = methods.filter((method) => !procedures.some((procedure) => matches(method, procedure)));
      if (stray.length > 0)
        throw new TypeError(`the limit "${name}" names ${stray.join(", ")}, which is not served`);
    }
  }

  #rulesOf(procedure: string): readonly LimitRule[] {
    const known = this.#ofProcedure.get(procedure);
    if (known !== undefined) return known;
    if (this.#ofProcedure.size >= mostProcedures) this.#ofProcedure.clear();
    const rules = this.#limits.filter((limit) => limits(limit, procedure));
    this.#ofProcedure.set(procedure, rules);
    return rules;
  }

  #whose(per: LimitedBy, { userId, apiKeyId }: LimitSubject, call: Call): string | undefined {
    if (per === "user") return userId;
    return per === "key" ? apiKeyId : this.#networkOf(call.peer.address);
  }

  /** Under names that no limit for all has. */
  #ofKey(given: readonly CallLimit[]): readonly CallLimit[] {
    let own = this.#ownLimits.get(given);
    if (own === undefined) {
      own = given.map((limit) => Object.freeze({ ...limit, name: `key/${limit.name}` }));
      this.#ownLimits.set(given, own);
    }
    return own;
  }

  #count(takes: readonly LimitTake[]): MaybePromise<Denied | undefined> {
    const [first] = takes;
    const sole = takes.length === 1 && first?.limit.kind === "quota" ? this.#quotas : this.#rates;
    if (takes.length === 1 || this.#rates === this.#quotas) {
      const verdict = sole.take(takes);
      return isPromise(verdict) ? verdict.then(refusalOf) : refusalOf(verdict);
    }
    const rates = takes.filter(({ limit }) => limit.kind === "rate");
    if (rates.length === takes.length) return andThen(this.#rates.take(rates), refusalOf);
    if (rates.length === 0) return andThen(this.#quotas.take(takes), refusalOf);
    const quotas = takes.filter(({ limit }) => limit.kind === "quota");
    return andThen(this.#rates.take(rates), (verdict) =>
      verdict.ok ? this.#countQuotas(quotas, rates) : refusalOf(verdict),
    );
  }

  /** Whatever comes of it, a call that is refused has cost nothing. */
  #countQuotas(quotas: readonly LimitTake[], rates: readonly LimitTake[]): MaybePromise<Denied | undefined> {
    const giveBack = (): MaybePromise<void> => this.#rates.takeBack(rates);
    const settle = (verdict: LimitVerdict): MaybePromise<Denied | undefined> =>
      verdict.ok ? undefined : andThen(giveBack(), () => refusalOf(verdict));
    const fail = (error: unknown): MaybePromise<never> =>
      andThen(giveBack(), () => {
        throw error;
      });
    try {
      const verdict = this.#quotas.take(quotas);
      return isPromise(verdict) ? verdict.then(settle, fail) : settle(verdict);
    } catch (error) {
      return fail(error);
    }
  }
}

function requireLimitRule(limit: LimitRule): void {
  const { name, per, methods } = limit;
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(name))
    throw new TypeError(`"${name}" is no name of a limit: lower-case letters, digits, - and _`);
  if (!["key", "user", "address"].includes(per))
    throw new TypeError(`the limit "${name}" is per key, user or address`);
  if (methods?.length === 0)
    throw new TypeError(`the limit "${name}" names no method: leave methods out for all`);
  for (const method of methods ?? []) {
    if (!/^(\/[\w.]+\/(\w+|\*)|[A-Z]+ \/\S*)$/.test(method))
      throw new TypeError(
        `the limit "${name}": "${method}" is no method: write /package.Service/Method or /package.Service/*`,
      );
  }
  try {
    requireCallLimit(limit);
  } catch (error) {
    throw new TypeError(`the limit "${name}": ${(error as Error).message}`);
  }
}

/** Does a call of this procedure fall under the limit? */
function limits({ methods }: LimitRule, procedure: string): boolean {
  if (procedure.startsWith("/grpc.health.v1.Health/")) return false;
  return methods === undefined || methods.some((method) => matches(method, procedure));
}

function matches(method: string, procedure: string): boolean {
  return method.endsWith("/*") ? procedure.startsWith(method.slice(0, -1)) : method === procedure;
}

function subjectOfPrincipal({ userId, apiKey }: Principal): LimitSubject {
  if (apiKey === undefined) return { userId };
  return { userId, apiKeyId: limitedKeyId(apiKey), callLimits: apiKey.callLimits };
}

/** Keys of the configuration have names of their own, that must not be taken for ids. */
export function limitedKeyId({ id, type }: Pick<ApiKeyIdentity, "id" | "type">): string {
  return type === "static" ? `static:${id}` : id;
}

function refusalOf(verdict: LimitVerdict): Denied | undefined {
  if (verdict.ok) return undefined;
  const { full, retryAfterSeconds } = verdict;
  const { limit, subject } = full;
  const whose = `${"per" in limit ? limit.per : "key"}:${subject}`;
  const cause = `the limit "${limit.name}" of ${whose} is reached`;
  if (limit.kind === "rate") return deny("RATE_LIMITED", { retryAfterSeconds, cause });
  const quota = { subject: whose, description: `${limit.name}: ${limit.limit} calls in one ${limit.period}` };
  return deny("QUOTA_EXCEEDED", { retryAfterSeconds, quota, cause });
}
