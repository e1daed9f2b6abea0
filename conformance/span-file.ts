import { appendFileSync } from "node:fs";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

// For `node --import`: an SDK for OpenTelemetry that writes every span to the file that SPAN_FILE names, one in a line.

const file = process.env["SPAN_FILE"] ?? "";

const exporter = {
  export(spans: ReadableSpan[], done: (result: { code: number }) => void): void {
    for (const span of spans) appendFileSync(file, `${JSON.stringify(described(span))}\n`);
    done({ code: 0 });
  },
  shutdown: async (): Promise<void> => {},
};

function described(span: ReadableSpan) {
  const { name, attributes, events, status, parentSpanContext } = span;
  return {
    name,
    attributes,
    events,
    status,
    traceId: span.spanContext().traceId,
    parent: parentSpanContext?.spanId,
  };
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);
