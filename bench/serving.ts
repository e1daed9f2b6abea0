import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Guarding, Order, Ready, Report } from "./echo-server.ts";
import type { LoadOrder, LoadResult } from "./load.ts";
import { quantile, trimmedMean } from "./measure.ts";
import { call, message, start, stop } from "./processes.ts";

/** One kind of server under load, beside the same server bare. */
export interface ServingResult {
  readonly guarding: Guarding;
  readonly callsPerSecond: number;
  readonly mainThreadMicroseconds: number;
  /** Of the decision, inside the server. */
  readonly decisionP50: number;
  readonly decisionTrimmedMean: number;
  /** The decision's median as a share of a call's time on the main thread. */
  readonly decisionShare: number;
  /** Milliseconds. */
  readonly eventLoopP99: number;
  /** Rows of the request log that were dropped. */
  readonly dropped: number;
}

export interface ServingComparison {
  readonly results: readonly ServingResult[];
  /** How far two runs of the same first server are apart, as a share: what differences below it mean nothing. */
  readonly noise: number;
}

// The bare server gets tokens too: reading a header is not what is compared.
const header = {
  bare: "authorization",
  jwt: "authorization",
  "api-key": "x-api-key",
  logged: "authorization",
} as const;

/** What guarding costs, and what writing calls down costs beside that. */
export const orders = {
  guarding: ["bare", "jwt", "bare", "api-key", "bare"],
  logging: ["jwt", "logged", "jwt", "logged", "jwt"],
} as const satisfies Record<string, readonly Guarding[]>;

/** Rounds of every server in turn, one at a time, each with the load beside it on the other core. */
export async function serving(
  rounds: number,
  secondsEach: number,
  order: readonly Guarding[] = orders.guarding,
): Promise<ServingComparison> {
  const load = start("./load.ts");
  const samples = new Map<Guarding, ServingResult[]>();
  const gaps: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const same: number[] = [];
      for (const guarding of order) {
        const result = await measure(guarding, load, secondsEach);
        samples.set(guarding, [...(samples.get(guarding) ?? []), result]);
        if (guarding === order[0]) same.push(result.callsPerSecond);
      }
      gaps.push(...same.slice(1).map((rate, index) => Math.abs(rate / (same[index] ?? rate) - 1)));
    }
  } finally {
    load.disconnect();
  }
  return { results: [...samples.values()].map(medians), noise: quantile(gaps, 0.5) };
}

async function measure(guarding: Guarding, load: ChildProcess, seconds: number): Promise<ServingResult> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  const server = start("./echo-server.ts", [guarding, join(folder, "requests.db")]);
  try {
    const ready = await message<Ready>(server);
    const work = { port: ready.port, header: header[guarding], credentials: ready.credentials };
    await call<LoadResult>(load, { ...work, milliseconds: 1000 } satisfies LoadOrder);
    server.send({ kind: "begin" } satisfies Order);
    const {
      answered,
      failed,
      seconds: took,
    } = await call<LoadResult>(load, { ...work, milliseconds: seconds * 1000 } satisfies LoadOrder);
    if (failed > 0) throw new Error(`${failed} calls failed on the ${guarding} server`);
    const { mainThread, decisions, eventLoopP99, dropped } = await call<Report>(server, {
      kind: "report",
    } satisfies Order);
    const decisionP50 = decisions.length === 0 ? 0 : quantile(decisions, 0.5);
    return {
      guarding,
      callsPerSecond: answered / took,
      mainThreadMicroseconds: mainThread,
      decisionP50,
      decisionTrimmedMean: decisions.length === 0 ? 0 : trimmedMean(decisions),
      decisionShare: decisionP50 / mainThread,
      eventLoopP99,
      dropped,
    };
  } finally {
    await stop(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

function medians(results: readonly ServingResult[]): ServingResult {
  const median = (pick: (result: ServingResult) => number): number => quantile(results.map(pick), 0.5);
  return {
    guarding: results[0]?.guarding ?? "bare",
    callsPerSecond: median((result) => result.callsPerSecond),
    mainThreadMicroseconds: median((result) => result.mainThreadMicroseconds),
    decisionP50: median((result) => result.decisionP50),
    decisionTrimmedMean: median((result) => result.decisionTrimmedMean),
    decisionShare: median((result) => result.decisionShare),
    eventLoopP99: median((result) => result.eventLoopP99),
    dropped: Math.max(...results.map(({ dropped }) => dropped)),
  };
}
