import type { Call } from "countersign";

/** The trace that the caller says its call is a part of (W3C Trace Context section 3.2.2); undefined for none. */
export function traceIdOf(call: Call): string | undefined {
  const [traceparent = ""] = call.header("traceparent");
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent)?.[1];
  return id === "0".repeat(32) ? undefined : id;
}
