import type { Call, Decision, Principal } from "countersign";
import type { UsageRecorder } from "countersign/store";
import type { Logger } from "pino";

/** Counts what keys are used for, and logs refusals. */
export function observeDecisions(
  usage: UsageRecorder,
  log: Logger,
): (decision: Decision<Principal>, call: Call) => void {
  return (decision, call) => {
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
    const details = cause instanceof Error ? { err: cause } : { cause };
    log[level](
      { procedure: call.procedure, reason, peer: call.peer.address, ...subject, ...details },
      "refused",
    );
  };
}
