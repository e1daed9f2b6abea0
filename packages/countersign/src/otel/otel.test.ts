import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import { allow, deny } from "../core/decision.ts";
import { AuditService } from "../gen/auth/v1/audit_pb.ts";
import { tracesAreTaken } from "./installed-sdk.ts";
import { observeDecisions } from "./observe-decisions.ts";
import { traceHandlers } from "./trace-handlers.ts";

type Handlers = ServiceHandlers<typeof AuditService>;

const traceId = "0af7651916cd43dd8448eb211c80319c";
const callOf = (traceparent?: string): Call => ({
  protocol: "grpc",
  procedure: "/auth.v1.AuditService/ListAudit",
  header: (name) => (name === "traceparent" && traceparent !== undefined ? [traceparent] : []),
  peer: { address: "127.0.0.1:1" },
  signal: new AbortController().signal,
});
const principal = { userId: "7", apiKey: { id: "k1" } };
const contextOf = (traceparent?: string): CallContext =>
  new CallContext(callOf(traceparent), allow(principal, "api_key") as never, undefined);

const handlers = Object.freeze({
  async listAudit() {
    trace.getTracer("test").startSpan("below").end();
    return { records: [] };
  },
  async getAudit() {
    throw new CallError("NOT_FOUND", "csk_secret");
  },
  async *exportAudit() {
    yield { data: "1" };
    trace.getTracer("test").startSpan("below").end();
    yield { data: "2" };
  },
  // biome-ignore lint/correctness/useYield: it fails before it answers.
  async *verifyAudit() {
    throw new Error("csk_secret");
  },
}) as Handlers;

it("costs nothing where no SDK is there", () => {
  assert.equal(tracesAreTaken(), false);
  assert.equal(traceHandlers(AuditService, handlers), handlers);
  observeDecisions()(deny("TOKEN_EXPIRED"), callOf());
});

describe("with an SDK", () => {
  const spans = new InMemorySpanExporter();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e6 });
  let traced: Handlers;

  before(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    );
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    traced = traceHandlers(AuditService, handlers);
  });
  beforeEach(() => spans.reset());
  after(async () => {
    await reader.shutdown();
    for (const api of [trace, metrics, context, propagation]) api.disable();
  });

  it("continues the caller's trace, down to what the handler starts", async () => {
    await traced.listAudit({} as never, contextOf(`00-${traceId}-b7ad6b7169203331-01`));
    const [below, call] = spans.getFinishedSpans();
    assert.equal(call?.name, "auth.v1.AuditService/ListAudit");
    assert.equal(call?.spanContext().traceId, traceId);
    assert.equal(call?.parentSpanContext?.spanId, "b7ad6b7169203331");
    assert.equal(below?.parentSpanContext?.spanId, call?.spanContext().spanId);
    assert.deepEqual(call?.attributes, {
      "rpc.system": "grpc",
      "rpc.service": "auth.v1.AuditService",
      "rpc.method": "ListAudit",
      "countersign.authenticator": "api_key",
      "enduser.id": "7",
      "countersign.api_key.id": "k1",
      "rpc.grpc.status_code": 0,
    });
  });

  it("begins a trace where there is none, and where there is nonsense", async () => {
    for (const traceparent of [undefined, "00-nonsense", `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
      spans.reset();
      await traced.listAudit({} as never, contextOf(traceparent));
      assert.equal(spans.getFinishedSpans().at(-1)?.parentSpanContext, undefined);
    }
  });

  it("holds a stream from its beginning to its end", async () => {
    const answers: unknown[] = [];
    for await (const answer of traced.exportAudit({} as never, contextOf())) answers.push(answer);
    assert.equal(answers.length, 2);
    const [below, call] = spans.getFinishedSpans();
    assert.equal(below?.parentSpanContext?.spanId, call?.spanContext().spanId);
    assert.equal(call?.attributes["rpc.grpc.status_code"], 0);
    spans.reset();
    for await (const _ of traced.exportAudit({} as never, contextOf())) break;
    assert.equal(spans.getFinishedSpans()[0]?.attributes["rpc.grpc.status_code"], 1);
  });

  it("says how a call ended, and nothing of what a failure says", async () => {
    await assert.rejects(async () => traced.getAudit({} as never, contextOf()), /csk_secret/);
    await assert.rejects(async () => {
      for await (const _ of traced.verifyAudit({} as never, contextOf()));
    });
    const [refused, failed] = spans.getFinishedSpans();
    assert.deepEqual([refused?.attributes["rpc.grpc.status_code"], refused?.status.code], [5, 0]);
    assert.deepEqual([failed?.attributes["rpc.grpc.status_code"], failed?.status.code], [13, 2]);
    const told = [refused, failed].map((span) => [span?.attributes, span?.events, span?.status]);
    assert.doesNotMatch(JSON.stringify(told), /csk_secret/);
  });

  it("counts decisions, and leaves refusals on the span that is active", async () => {
    const observe = observeDecisions();
    for (let n = 0; n < 3; n += 1) observe(allow({}, "jwt"), callOf());
    const span = trace.getTracer("test").startSpan("around");
    context.with(trace.setSpan(context.active(), span), () => observe(deny("TOKEN_EXPIRED"), callOf()));
    span.end();
    assert.deepEqual(spans.getFinishedSpans()[0]?.events[0]?.attributes, {
      "countersign.result": "refused",
      "countersign.reason": "TOKEN_EXPIRED",
    });
    await reader.forceFlush();
    const points = exporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
    const counted = points.map(({ attributes, value }) => [attributes["countersign.result"], value]);
    assert.deepEqual(counted, [
      ["allowed", 3],
      ["refused", 1],
    ]);
  });
});
