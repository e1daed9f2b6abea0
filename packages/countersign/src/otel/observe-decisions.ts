import { type Attributes, metrics, trace } from "@opentelemetry/api";
import type { Call } from "../core/call.ts";
import type { Decision } from "../core/decision.ts";

/**
 * For `onDecision` of `createAuth`: counts decisions as `countersign.decisions`, by result, reason and authenticator, and
 * leaves each refusal on the span that is active. Without an SDK it does nothing.
 */
export function observeDecisions(): (decision: Decision<unknown>, call: Call) => void {
  const counter = metrics
    .getMeter("countersign")
    .createCounter("countersign.decisions", { description: "Decisions about calls", unit: "{decision}" });
  const known = new Map<string, Attributes>();
  // The same object each time: there are few.
  const attributesOf = (key: string, make: () => Attributes): Attributes => {
    const attributes = known.get(key) ?? Object.freeze(make());
    known.set(key, attributes);
    return attributes;
  };
  return (decision) => {
    if (decision.ok) {
      const { authenticator = "" } = decision;
      const allowed = () => ({ "countersign.result": "allowed", "countersign.authenticator": authenticator });
      counter.add(1, attributesOf(`+${authenticator}`, allowed));
      return;
    }
    const { reason } = decision.denial;
    const refused = () => ({ "countersign.result": "refused", "countersign.reason": reason });
    const attributes = attributesOf(reason, refused);
    counter.add(1, attributes);
    trace.getActiveSpan()?.addEvent("countersign.refused", attributes);
  };
}
