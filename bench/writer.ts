import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { procedure, zipf } from "./callers.ts";
import { GoProgram } from "./go/go-program.ts";
import type { LoadResult } from "./load.ts";
import { quantile } from "./measure.ts";
import { call, message, start, stop } from "./processes.ts";
import type { WriterOrder, WriterReady, WriterReport } from "./writer-server.ts";

/** What `full-load.go` is asked for. */
interface FullLoad {
  readonly address: string;
  readonly path: string;
  readonly header: string;
  readonly credentials: readonly string[];
  /** Whose credential comes next. */
  readonly draws: readonly number[];
  readonly milliseconds: number;
}

/** A stretch of load on one of the two servers. */
interface Stretch {
  /** Microseconds of the processor for each call. */
  readonly main: number;
  readonly whole: number;
  readonly callsPerSecond: number;
  readonly p99: number;
}

/** What differs: medians over the pairs of a stretch with the log and those without it before and after. */
export interface WriterResult {
  readonly without: Stretch;
  readonly with: Stretch;
  /** With over without, of each pair; and without over the one without before it, which is how much of that means nothing. */
  readonly ratio: Stretch;
  readonly noise: Stretch;
  readonly p99Growth: number;
  readonly p99Noise: number;
  readonly written: number;
  readonly dropped: number;
}

/** Full load on a server without a request log and one with it, in turn, in one process. `discard`: with one that keeps nothing. */
export async function writerCost(pairs: number, seconds: number, discard: boolean): Promise<WriterResult> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  const load = new GoProgram<FullLoad, LoadResult>("full-load.go");
  const server = start("./writer-server.ts", discard ? [] : [join(folder, "requests.db")]);
  try {
    const { ports, credentials } = await message<WriterReady>(server);
    const work = {
      path: procedure,
      header: "authorization",
      credentials: credentials.map((credential) => `Bearer ${credential}`),
      draws: [...zipf(credentials.length, 1 << 16)],
    };
    let last: WriterReport | undefined;
    const stretch = async (port: number, length: number): Promise<Stretch> => {
      server.send({ kind: "begin" } satisfies WriterOrder);
      const milliseconds = length * 1000;
      const {
        answered,
        failed,
        seconds: took,
      } = await load.run({ ...work, address: `127.0.0.1:${port}`, milliseconds });
      if (failed > 0) throw new Error(`${failed} calls failed`);
      last = await call<WriterReport>(server, { kind: "report" } satisfies WriterOrder);
      const { main, whole, p99 } = last;
      return { main: main / answered, whole: whole / answered, callsPerSecond: answered / took, p99 };
    };
    for (const port of [ports.off, ports.on]) await stretch(port, 2 * seconds);
    const off = [await stretch(ports.off, seconds)];
    const on: Stretch[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      on.push(await stretch(ports.on, seconds));
      off.push(await stretch(ports.off, seconds));
    }
    return { ...compared(off, on), written: last?.written ?? 0, dropped: last?.dropped ?? 0 };
  } finally {
    load.close();
    await stop(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

function compared(
  off: readonly Stretch[],
  on: readonly Stretch[],
): Omit<WriterResult, "written" | "dropped"> {
  const around = on.map((_, n) => mean([off[n], off[n + 1]]));
  const p99s = (stretches: readonly Stretch[]): number[] => stretches.map(({ p99 }) => p99);
  const growth = on.map(({ p99 }, n) => p99 - (around[n]?.p99 ?? 0));
  const [before, after] = [p99s(off.slice(0, -1)), p99s(off.slice(1))];
  return {
    without: each((part) => off.map(part)),
    with: each((part) => on.map(part)),
    ratio: each((part) => on.map((one, n) => part(one) / part(around[n] ?? one))),
    noise: each((part) => off.slice(1).map((one, n) => part(one) / part(off[n] ?? one))),
    p99Growth: quantile(growth, 0.5),
    p99Noise: quantile(
      after.map((p99, n) => Math.abs(p99 - (before[n] ?? 0))),
      0.5,
    ),
  };
}

type Part = (stretch: Stretch) => number;

/** The median of each member. */
function each(values: (part: Part) => readonly number[]): Stretch {
  const median = (part: Part): number => quantile(values(part), 0.5);
  return {
    main: median(({ main }) => main),
    whole: median(({ whole }) => whole),
    callsPerSecond: median(({ callsPerSecond }) => callsPerSecond),
    p99: median(({ p99 }) => p99),
  };
}

function mean(stretches: readonly (Stretch | undefined)[]): Stretch {
  const there = stretches.filter((stretch) => stretch !== undefined);
  const of = (part: Part): number => there.reduce((sum, one) => sum + part(one), 0) / there.length;
  return {
    main: of(({ main }) => main),
    whole: of(({ whole }) => whole),
    callsPerSecond: of(({ callsPerSecond }) => callsPerSecond),
    p99: of(({ p99 }) => p99),
  };
}

export function writerText(result: WriterResult): readonly string[] {
  const line = (name: string, { main, whole, callsPerSecond, p99 }: Stretch): string =>
    `  ${name.padEnd(16)} ${main.toFixed(1).padStart(7)} µs ${whole.toFixed(1).padStart(7)} µs ${Math.round(callsPerSecond).toString().padStart(7)} calls/s, event loop p99 ${p99.toFixed(2)} ms`;
  const { ratio, noise } = result;
  const times = (one: Stretch): string =>
    [one.main, one.whole, one.callsPerSecond].map((value) => `${value.toFixed(3)}×`).join(", ");
  return [
    "grpc-js, tokens, full load: processor of the main thread and of the whole process for each call",
    line("without a log", result.without),
    line("with it", result.with),
    `  with / without: ${times(ratio)}; the same without / without: ${times(noise)}`,
    `  event loop p99 grows by ${result.p99Growth.toFixed(2)} ms (without against without: ${result.p99Noise.toFixed(2)} ms)`,
    `  ${result.written} rows written, ${result.dropped} dropped`,
  ];
}
