import type { Auth, EndedCall, Principal, Revocations, RoleDirectory } from "countersign";
import type { Shadow } from "countersign/policy";
import type { Redigester, Store, UsageRecorder } from "countersign/store";
import type { Logger } from "pino";
import { createAuthentication } from "./authentication.ts";
import type { Config } from "./config/config.ts";
import { askedProcedures } from "./decide/asking-rules.ts";
import { type OpenDecisions, openDecisions } from "./decide/open-decisions.ts";
import { shareLimits } from "./decide/shared-limits.ts";
import type { FairQueue } from "./fair-queue.ts";
import { startIssuers } from "./issuers.ts";
import { limiterOf, type NodeLimits, throttleOf } from "./limits.ts";
import type { Counts } from "./observation/open-metrics.ts";
import { observeDecisions } from "./observe-decisions.ts";
import { createHashQueue } from "./passwords.ts";
import { policyInForce } from "./policy/policy-in-force.ts";
import type { Signing } from "./signing.ts";
import type { ForwardedAuthorities } from "./tls/forwarded-authorities.ts";

export interface NodeAuthParts {
  readonly store: Store;
  readonly revocations: Revocations;
  readonly roles: RoleDirectory;
  readonly signing: Signing;
  readonly limits: NodeLimits;
  readonly usage: UsageRecorder;
  readonly redigester: Redigester;
  readonly onCallEnd: (ended: EndedCall<Principal>) => void;
  /** Who is believed about certificates that proxies forward. */
  readonly forwarded: ForwardedAuthorities | undefined;
  readonly log: Logger;
  /** Undefined where nobody reads metrics. */
  readonly counts: Pick<Counts, "calls" | "limits"> | undefined;
}

/** What a node decides with: for its own services, and for those behind proxies. */
export interface NodeAuth {
  readonly auth: Auth<Principal>;
  readonly proxies: OpenDecisions;
  readonly shadow: Shadow | undefined;
  /** What slow hashes wait in. */
  readonly hashing: FairQueue;
}

/** The rules in force, and whom they are asked about. Throws a `ConfigError` for rules that cannot be kept. */
export async function openNodeAuth(
  config: Config,
  { usage, redigester, limits, forwarded, log, counts, onCallEnd, ...known }: NodeAuthParts,
): Promise<NodeAuth> {
  const issuers = startIssuers(config, (issuer, err) =>
    log.warn({ issuer, err }, "an issuer cannot be used"),
  );
  const observer = observeDecisions({ usage, log, counts: counts?.calls });
  const { shadow, outside, policy, onDecision } = await policyInForce({
    ...{ config, log, observer },
    store: known.store,
  });
  const limiters = shareLimits(limiterOf(config, limits, counts?.limits), {
    outside: outside.tables.flatMap((table) => [...table.keys()]),
    asking: askedProcedures(config),
  });
  const hashing = createHashQueue();
  const common = {
    ...{ config, ...known, issuers, onDecision, onCallEnd, hashing },
    throttle: throttleOf(config, counts?.limits),
    onOlderPepper: redigester.add,
    onScopeUsed: usage.recordScope.bind(usage),
  };
  const auth = createAuthentication({ ...common, policy, limits: limiters.here });
  const proxies = openDecisions({ ...common, own: auth, outside, limits: limiters.outside, forwarded, log });
  return { auth, proxies, shadow, hashing };
}
