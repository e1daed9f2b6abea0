import { monitorEventLoopDelay } from "node:perf_hooks";
import * as grpc from "@grpc/grpc-js";
import type { Auth, Call, Principal } from "countersign";
import { grpcAuth } from "countersign/grpc";
import { BenchCall, type Callers, makeCallers, procedure } from "./callers.ts";
import { echo, say } from "./echo.ts";
import { recordingTo, recordOf } from "./recording.ts";

/** A server process of the benchmark: one unary echo, bare or guarded. It takes orders by IPC. */
export type Order = { readonly kind: "begin" } | { readonly kind: "report" };

/** What a server tells when it listens: where, and who may call. */
export interface Ready {
  readonly kind: "ready";
  readonly port: number;
  readonly credentials: readonly string[];
}

/** What a server saw since `begin`. */
export interface Report {
  readonly kind: "report";
  readonly calls: number;
  /** CPU time of the main thread for each call, in microseconds. */
  readonly mainThread: number;
  /** How late the event loop was, in milliseconds. */
  readonly eventLoopP99: number;
  /** Rows that were dropped. */
  readonly dropped: number;
  /** Durations of decisions in microseconds; empty for a bare server. */
  readonly decisions: readonly number[];
}

/** `logged`: as `jwt`, with a request log in SQLite. */
export type Guarding = "bare" | "jwt" | "api-key" | "logged";

const remembered = 10_000;
const guarding = process.argv[2] as Guarding;
const recorder = guarding === "logged" ? await recordingTo(process.argv[3] ?? "") : undefined;
const callers = makeCallers(
  remembered,
  recorder && { onCallEnd: (ended) => recorder.record(recordOf(ended)) },
);
const eventLoop = monitorEventLoopDelay({ resolution: 1 });
eventLoop.enable();
const durations: number[] = [];
let calls = 0;
let cpuAtBegin = process.threadCpuUsage();

function timed({ auth }: Callers): Auth<Principal> {
  return {
    ...auth,
    decide(call: Call) {
      const start = performance.now();
      const decision = auth.decide(call);
      durations.push((performance.now() - start) * 1000);
      return decision;
    },
  };
}

function startServer(): grpc.Server {
  if (guarding === "bare") return new grpc.Server();
  return grpcAuth(timed(callers)).createServer();
}

const server = startServer();
server.addService(echo, {
  say(call: Parameters<typeof say>[0], callback: Parameters<typeof say>[1]) {
    calls += 1;
    say(call, callback);
  },
});
warm();
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  const credentials = guarding === "api-key" ? callers.keys : callers.tokens;
  process.send?.({ kind: "ready", port, credentials } satisfies Ready);
});

/** Every caller has been here before. */
function warm(): void {
  for (const token of callers.tokens)
    void callers.auth.decide(new BenchCall(procedure, "authorization", `Bearer ${token}`));
  for (const key of callers.keys) void callers.auth.decide(new BenchCall(procedure, "x-api-key", key));
}

process.on("message", (order: Order) => {
  if (order.kind === "begin") {
    durations.length = 0;
    calls = 0;
    eventLoop.reset();
    cpuAtBegin = process.threadCpuUsage();
    return;
  }
  const { user, system } = process.threadCpuUsage(cpuAtBegin);
  const report: Report = {
    kind: "report",
    calls,
    mainThread: (user + system) / calls,
    eventLoopP99: eventLoop.percentile(99) / 1e6,
    dropped: recorder?.dropped ?? 0,
    decisions: durations,
  };
  process.send?.(report);
});
process.on("disconnect", () => process.exit());
