import type { DescService } from "@bufbuild/protobuf";
import type { Principal, RuleTable } from "countersign";
import type { Shadow } from "countersign/policy";
import type { Store } from "countersign/store";
import type { Logger } from "pino";
import type { AuthenticationParts } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import { knownPermissions } from "./known-permissions.ts";
import { loadPolicy, loadShadow } from "./node-policy.ts";

type Observer = AuthenticationParts["onDecision"];

export interface PolicyParts {
  readonly config: Config;
  readonly store: Pick<Store, "roles">;
  readonly log: Logger;
  readonly observer: Observer;
}

/** What `createAuthentication` takes of the policy, and the candidate beside it, if there is one. */
export interface PolicyInForce extends Pick<AuthenticationParts, "policy" | "onDecision"> {
  readonly shadow: Shadow | undefined;
  readonly outside: OutsidePolicy;
}

/** What proxies ask about. */
export interface OutsidePolicy {
  readonly tables: readonly RuleTable<Principal>[];
  /** Those that descriptors tell of. */
  readonly services: readonly DescService[];
}

/** The rules in force. A candidate is told of each decision, too. Throws a `ConfigError` as `loadPolicy()` does. */
export async function policyInForce({ config, store, log, observer }: PolicyParts): Promise<PolicyInForce> {
  const loaded = await loadPolicy(config, { permissions: await knownPermissions(store.roles) });
  const shadow = await loadShadow(config, loaded, ({ procedure, kind, reason, userId }) =>
    log.warn({ procedure, kind, reason, userId }, "the candidate policy differs"),
  );
  const { served, outside: tables, outsideServices: services } = loaded;
  if (shadow === undefined)
    return { policy: served, onDecision: observer, shadow, outside: { tables, services } };
  const onDecision: Observer = (decision, call) => {
    shadow.observe(decision, call);
    observer(decision, call);
  };
  // The live tables, in their order.
  const policy = shadow.policy.slice(0, served.length);
  return {
    ...{ policy, onDecision, shadow },
    outside: { tables: shadow.policy.slice(served.length), services },
  };
}
