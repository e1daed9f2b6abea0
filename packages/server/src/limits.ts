import type { CallLimiter, CredentialThrottle, Principal } from "countersign";
import {
  createCredentialThrottle,
  createLimiter,
  createMemoryLimits,
  type LimitRule,
  type LimitStore,
  type QuotaPeriod,
} from "countersign/limits";
import type { CountedIn } from "countersign/service";
import type { Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { parseDuration } from "./config/duration.ts";
import type { LimitCounts } from "./observation/limit-counts.ts";

/** How often callers may call, and where that is counted. */
export interface NodeLimits {
  readonly limits: readonly LimitRule[];
  readonly rates: CountedIn;
  readonly quotas: CountedIn;
}

/** The limits of the configuration. */
export function limitRulesOf({ limits }: Pick<Config, "limits">): readonly LimitRule[] {
  return Object.entries(limits).map(([name, { per, kind, limit, window, methods }]) => {
    const common = { name, per, limit, ...(methods !== undefined && { methods }) };
    return kind === "rate"
      ? { ...common, kind, windowSeconds: parseDuration(window) ?? 0 }
      : { ...common, kind, period: window as QuotaPeriod };
  });
}

export interface LimitParts {
  readonly config: Config;
  readonly store: Pick<Store, "limits">;
  /** Where nodes share rates without the database. */
  readonly redis: { readonly limits: LimitStore } | undefined;
  /** Of a server. Undefined: this is none, and what is counted in the memory of one is not to be had. */
  readonly memory: LimitStore | undefined;
}

/**
 * Quotas are kept in the database, because they outlive a restart. Rates are counted where it is quickest and all nodes agree:
 * in Redis, else in PostgreSQL, and in memory where one node has the database for itself.
 */
export function nodeLimits({ config, store, redis, memory }: LimitParts): NodeLimits {
  const database: CountedIn = { name: "database", store: store.limits };
  const alone: CountedIn = { name: "memory", store: memory };
  const shared = config.secrets.databaseUrl === undefined ? alone : database;
  const rates: CountedIn =
    config.secrets.redisUrl === undefined ? shared : { name: "redis", store: redis?.limits };
  return { limits: limitRulesOf(config), rates, quotas: database };
}

/** Also where nothing is configured: keys may have limits of their own. */
export function limiterOf(
  { auth }: Pick<Config, "auth">,
  { limits, rates, quotas }: NodeLimits,
  counts?: LimitCounts,
): CallLimiter<Principal> {
  const { shared_addresses: sharedAddresses } = auth.limits;
  const watched = (store: LimitStore = createMemoryLimits()): LimitStore => counts?.watch(store) ?? store;
  try {
    return createLimiter({
      limits,
      sharedAddresses,
      rates: watched(rates.store),
      quotas: watched(quotas.store),
    });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`limits: ${error.message}`);
    throw error;
  }
}

/** On each node by itself: what it saves is the node's own work. */
export function throttleOf({ auth }: Pick<Config, "auth">, counts?: LimitCounts): CredentialThrottle {
  const {
    failed_credentials_per_network: perNetwork,
    failed_credentials_per_key: perKey,
    shared_addresses: sharedAddresses,
  } = auth.limits;
  const throttle = createCredentialThrottle({ perNetwork, perKey, sharedAddresses });
  return counts?.watchThrottle(throttle) ?? throttle;
}
