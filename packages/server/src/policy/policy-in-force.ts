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
}

/** The rules in force. A candidate is told of each decision, too. Throws a `ConfigError` as `loadPolicy()` does. */
export async function policyInForce({ config, store, log, observer }: PolicyParts): Promise<PolicyInForce> {
  const loaded = loadPolicy(config, { permissions: await knownPermissions(store.roles) });
  const shadow = loadShadow(config, loaded, ({ procedure, kind, reason, userId }) =>
    log.warn({ procedure, kind, reason, userId }, "the candidate policy differs"),
  );
  if (shadow === undefined) return { policy: loaded.served, onDecision: observer, shadow };
  const onDecision: Observer = (decision, call) => {
    shadow.observe(decision, call);
    observer(decision, call);
  };
  return { policy: shadow.policy, onDecision, shadow };
}
