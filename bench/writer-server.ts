import { monitorEventLoopDelay } from "node:perf_hooks";
import * as grpc from "@grpc/grpc-js";
import { grpcAuth } from "countersign/grpc";
import { BenchCall, type Callers, makeCallers, procedure } from "./callers.ts";
import { echo, say } from "./echo.ts";
import { recordingTo, recordOf } from "./recording.ts";

// One process with the same server three times: what one heap, one compiler and one processor make of all of them.

/** What is done for a call besides deciding: nothing; it is named and followed to its end, as metrics need it; that is written down, too. */
export type Watch = "alone" | "followed" | "logged";

export type WriterOrder = { readonly kind: "begin" } | { readonly kind: "report" };

export interface WriterReady {
  readonly kind: "ready";
  readonly ports: Readonly<Record<Watch, number>>;
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

const [, , path = ""] = process.argv;
const recorder = await recordingTo(path);
const alone = makeCallers(10_000);
const followed = makeCallers(10_000, { onCallEnd: () => {} }, alone.tokens);
const logged = makeCallers(10_000, { onCallEnd: (ended) => recorder.record(recordOf(ended)) }, alone.tokens);
// Every caller has been here before.
for (const token of alone.tokens)
  for (const { auth } of [alone, followed, logged])
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

const ports = {
  alone: await listen(alone),
  followed: await listen(followed),
  logged: await listen(logged),
};
process.send?.({ kind: "ready", ports, credentials: alone.tokens } satisfies WriterReady);

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
