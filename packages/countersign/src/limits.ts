export type {
  CallLimit,
  CallLimiter,
  CredentialThrottle,
  Quota,
  QuotaPeriod,
  RateLimit,
} from "./core/limit.ts";
export type { CredentialThrottleOptions } from "./limits/credential-throttle.ts";
export { createCredentialThrottle } from "./limits/credential-throttle.ts";
export type { LimitStore, LimitTake, LimitUsage, LimitVerdict } from "./limits/limit-store.ts";
export type { LimitedBy, LimiterOptions, LimitRule, LimitSubject } from "./limits/limiter.ts";
export { createLimiter, limitedKeyId } from "./limits/limiter.ts";
export type { MemoryLimits, MemoryLimitsOptions } from "./limits/memory-limits.ts";
export { createMemoryLimits } from "./limits/memory-limits.ts";
export type { NetworkOf, NetworkOptions } from "./limits/network.ts";
export { loopbackAddresses, networkReader } from "./limits/network.ts";
