import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type {
  GetLimitUsageRequest,
  LimitSchema,
  LimitService,
  LimitUsageSchema,
  ResetLimitsRequest,
} from "../gen/auth/v1/limits_pb.ts";
import type { LimitStore, LimitTake } from "../limits/limit-store.ts";
import type { LimitedBy, LimitRule } from "../limits/limiter.ts";
import { networkReader } from "../limits/network.ts";
import type { Store } from "../store/contracts.ts";
import { found } from "./page.ts";
import { visibleTo } from "./tenancy.ts";

/** Where one kind of limit is counted. */
export interface CountedIn {
  readonly name: "memory" | "database" | "redis";
  /** Undefined: in the memory of a server, which this is not. */
  readonly store: LimitStore | undefined;
}

export interface LimitServiceOptions {
  readonly limits: readonly LimitRule[];
  readonly rates: CountedIn;
  readonly quotas: CountedIn;
  readonly store: Pick<Store, "audit" | "users" | "apiKeys">;
}

/** `auth.v1.LimitService`: the limits of the configuration, and how much of them is used. */
export function createLimitService(options: LimitServiceOptions): ServiceHandlers<typeof LimitService> {
  return new LimitServiceHandlers(options);
}

interface Subject {
  readonly per: LimitedBy;
  readonly id: string;
}

class LimitServiceHandlers implements ServiceHandlers<typeof LimitService> {
  readonly #options: LimitServiceOptions;

  constructor(options: LimitServiceOptions) {
    const byName = (a: LimitRule, b: LimitRule): number => (a.name < b.name ? -1 : 1);
    this.#options = { ...options, limits: [...options.limits].sort(byName) };
  }

  async listLimits() {
    return { limits: this.#options.limits.map((limit) => this.#message(limit)) };
  }

  async getLimitUsage({ subject: text }: GetLimitUsageRequest, context: CallContext) {
    const subject = readSubject(text);
    await this.#requireVisible(subject, context);
    const limits = this.#limitsOf(subject);
    return { usage: await Promise.all(limits.map((take) => this.#usage(take))) };
  }

  async resetLimits({ subject, limit: name }: ResetLimitsRequest, context: CallContext) {
    const { userId: actor } = context.requireUser();
    const all = this.#limitsOf(readSubject(subject));
    const takes =
      name === ""
        ? all
        : [
            found(
              all.find(({ limit }) => limit.name === name),
              "limit",
            ),
          ];
    const stores = takes.map((take) => [this.#countedIn(take).store, take] as const);
    const known = stores.flatMap(([store, take]) => (store === undefined ? [] : [{ store, take }]));
    if (known.length < takes.length)
      throw new CallError(
        "FAILED_PRECONDITION",
        "Some of it is counted in the memory of a server: ask the server",
      );
    const limits = takes.map(({ limit }) => limit.name);
    // Before: what nobody can be told about is not done. Redis and memory have no transaction with it.
    const details = { limits: limits.join(" ") };
    if (known.length > 0)
      await this.#options.store.audit.append({ actor, action: "limits.reset", target: subject, details });
    for (const { store, take } of known) await store.reset([take]);
    return { limits };
  }

  /** Somebody in a tenant is told of nothing but what is that tenant's. */
  async #requireVisible({ per, id }: Subject, context: CallContext): Promise<void> {
    const caller = context.requireUser();
    if (caller.tenantId === undefined) return;
    const { users, apiKeys } = this.#options.store;
    const record = { user: () => users.load(id), key: () => apiKeys.load(id), address: () => undefined }[
      per
    ]();
    found(visibleTo(caller, await record), per);
  }

  #limitsOf({ per, id }: Subject): readonly LimitTake[] {
    return this.#options.limits.filter((limit) => limit.per === per).map((limit) => ({ limit, subject: id }));
  }

  async #usage(take: LimitTake): Promise<MessageInitShape<typeof LimitUsageSchema>> {
    const limit = this.#message(take.limit as LimitRule);
    const [usage] = (await this.#countedIn(take).store?.usage([take])) ?? [];
    if (usage === undefined) return { limit, unknown: true };
    const { used, freesInSeconds } = usage;
    return {
      limit,
      used: BigInt(used),
      remaining: BigInt(Math.max(take.limit.limit - used, 0)),
      freesInSeconds,
    };
  }

  #countedIn({ limit }: Pick<LimitTake, "limit">): CountedIn {
    return limit.kind === "rate" ? this.#options.rates : this.#options.quotas;
  }

  #message(limit: LimitRule): MessageInitShape<typeof LimitSchema> {
    const { name, per, kind, methods = [] } = limit;
    return {
      name,
      per,
      kind,
      limit: BigInt(limit.limit),
      ...(limit.kind === "rate" ? { windowSeconds: limit.windowSeconds } : { period: limit.period }),
      methods: [...methods],
      countedIn: this.#countedIn({ limit }).name,
    };
  }
}

const networkOf = networkReader([]);

/** Reads `user:7`, `key:ID` and `address:192.0.2.1`. */
function readSubject(text: string): Subject {
  const [, per, id = ""] = /^(key|user|address):(.{1,256})$/s.exec(text) ?? [];
  const subject = per === "address" ? networkOf(id.replace(/::\/64$/, "::")) : id;
  if (per === undefined || subject === undefined)
    throw invalidArgument({ field: "subject", description: "user:ID, key:ID or address:IP" });
  return { per: per as LimitedBy, id: subject };
}
