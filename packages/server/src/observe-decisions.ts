import type { Call, Decision, Principal } from "countersign";
import type { UsageRecorder } from "countersign/store";
import type { Logger } from "pino";
import type { CallCounts } from "./observation/call-counts.ts";
import { traceIdOf } from "./observation/trace-id.ts";

export interface DecisionObservers {
  readonly usage: Pick<UsageRecorder, "record" | "recordDenied">;
  readonly log: Logger;
  /** Undefined where nobody reads metrics. */
  readonly counts: Pick<CallCounts, "decided"> | undefined;
}

/** Counts decisions and what keys are used for, and logs refusals. */
export function observeDecisions({
  usage,
  log,
  counts,
}: DecisionObservers): (decision: Decision<Principal>, call: Call) => void {
  return (decision, call) => {
    counts?.decided(decision);
    if (decision.ok) {
      const key = decision.principal?.apiKey;
      if (key !== undefined) usage.record(key.id, Date.now(), call);
      return;
    }
    const { reason, cause, subject } = decision.denial;
    // A wrong secret is no call with the key.
    if (subject?.apiKeyId !== undefined && reason !== "API_KEY_INVALID")
      usage.recordDenied(subject.apiKeyId, Date.now());
    const level = reason === "UNAVAILABLE" ? "error" : "info";
    if (!log.isLevelEnabled(level)) return;
    const details = cause instanceof Error ? { err: cause } : { cause };
    const trace_id = traceIdOf(call);
    log[level](
      { procedure: call.procedure, reason, peer: call.peer.address, ...subject, trace_id, ...details },
      "refused",
    );
  };
}
