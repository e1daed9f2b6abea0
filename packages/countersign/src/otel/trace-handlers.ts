import type { DescService } from "@bufbuild/protobuf";
import {
  type Attributes,
  context as contexts,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import { aroundHandlers, type HandlerEnd, type Watched } from "../context/around-handlers.ts";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type { Call } from "../core/call.ts";
import { tracesAreTaken } from "./installed-sdk.ts";

/** Reads what the propagators ask for, `traceparent` above all (W3C Trace Context section 3.2). */
const headers: TextMapGetter<Call> = {
  get: (call, name) => call.header(name.toLowerCase())[0],
  keys: () => ["traceparent", "tracestate", "baggage"],
};

/** The status codes of gRPC that are the server's own failure: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const failures: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/**
 * The same handlers, with a span for each call, which continues the caller's trace; what a handler starts belongs to
 * its span. Where no SDK was installed before this is called, they are what was passed, and cost nothing.
 */
export function traceHandlers<S extends DescService>(
  service: S,
  handlers: ServiceHandlers<S>,
): ServiceHandlers<S> {
  if (!tracesAreTaken()) return handlers;
  const tracer = trace.getTracer("countersign");
  return aroundHandlers(service, handlers, (procedure, context): Watched => {
    const parent = propagation.extract(contexts.active(), context.call, headers);
    const attributes = attributesOf(procedure, context);
    const span = tracer.startSpan(procedure.slice(1), { kind: SpanKind.SERVER, attributes }, parent);
    const inSpan = trace.setSpan(parent, span);
    return { run: (work) => contexts.with(inSpan, work), end: (end) => endSpan(span, end) };
  });
}

/** No part of a credential: ids are what logs have, too. */
function attributesOf(procedure: string, { call, principal, authenticator }: CallContext): Attributes {
  const [, service = "", method = ""] = procedure.split("/");
  return {
    "rpc.system": call.protocol === "connect" ? "connect_rpc" : "grpc",
    "rpc.service": service,
    "rpc.method": method,
    ...(authenticator !== undefined && { "countersign.authenticator": authenticator }),
    ...(principal !== undefined && { "enduser.id": principal.userId }),
    ...(principal?.apiKey !== undefined && { "countersign.api_key.id": principal.apiKey.id }),
  };
}

/** Of what was thrown, its kind alone: its text may be anything. */
function endSpan(span: Span, { code, thrown }: HandlerEnd): void {
  span.setAttribute("rpc.grpc.status_code", code);
  if (failures.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
  if (thrown instanceof Error) span.setAttribute("error.type", thrown.name);
  span.end();
}
