import { monitorEventLoopDelay } from "node:perf_hooks";
import * as grpc from "@grpc/grpc-js";
import { grpcAuth } from "countersign/grpc";
import { createRequestRecorder } from "countersign/store";
import { BenchCall, type Callers, makeCallers, procedure } from "./callers.ts";
import { echo, say } from "./echo.ts";
import { recordingTo, recordOf } from "./recording.ts";

// One process with the same server twice, with a request log and without: what one heap, one compiler and one processor make of both.

export type WriterOrder = { readonly kind: "begin" } | { readonly kind: "report" };

export interface WriterReady {
  readonly kind: "ready";
  /** Of the one without a log, and of the one with it. */
  readonly ports: { readonly off: number; readonly on: number };
  readonly credentials: readonly string[];
}

/** What was spent since `begin`. */
export interface WriterReport {
  readonly kind: "report";
  /** Microseconds of the processor: of the main thread, and of the whole process, the writer's thread included. */
  readonly main: number;
  readonly whole: number;
  /** How late the event loop was, in milliseconds. */
  readonly p99: number;
  /** Since the start. */
  readonly written: number;
  readonly dropped: number;
}

/** Without a path, what is taken down goes nowhere: what is left is what the main thread does for it. */
const [, , path] = process.argv;
const nowhere = { append: async (): Promise<void> => {} };
const recorder = path === undefined ? createRequestRecorder({ log: nowhere }) : await recordingTo(path);
const off = makeCallers(10_000);
const on = makeCallers(10_000, { onCallEnd: (ended) => recorder.record(recordOf(ended)) }, off.tokens);
// Every caller has been here before.
for (const token of off.tokens)
  for (const { auth } of [off, on])
    void auth.decide(new BenchCall(procedure, "authorization", `Bearer ${token}`));
const eventLoop = monitorEventLoopDelay({ resolution: 1 });
eventLoop.enable();
let began = { main: process.threadCpuUsage(), whole: process.cpuUsage() };

function listen({ auth }: Callers): Promise<number> {
  const server = grpcAuth(auth).createServer();
  server.addService(echo, { say });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

const ports = { off: await listen(off), on: await listen(on) };
process.send?.({ kind: "ready", ports, credentials: off.tokens } satisfies WriterReady);

process.on("message", async (order: WriterOrder) => {
  if (order.kind === "begin") {
    began = { main: process.threadCpuUsage(), whole: process.cpuUsage() };
    eventLoop.reset();
    return;
  }
  const p99 = eventLoop.percentile(99) / 1e6;
  // What waits was caused by these calls.
  await recorder.flush();
  const [main, whole] = [process.threadCpuUsage(began.main), process.cpuUsage(began.whole)];
  process.send?.({
    ...{ kind: "report", p99, written: recorder.written, dropped: recorder.dropped },
    main: main.user + main.system,
    whole: whole.user + whole.system,
  } satisfies WriterReport);
});
process.on("disconnect", () => process.exit());
