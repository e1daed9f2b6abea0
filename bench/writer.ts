import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { procedure, zipf } from "./callers.ts";
import { GoProgram } from "./go/go-program.ts";
import type { LoadResult } from "./load.ts";
import { quantile } from "./measure.ts";
import { call, message, start, stop } from "./processes.ts";
import type { Watch, WriterOrder, WriterReady, WriterReport } from "./writer-server.ts";

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

/** A stretch of load on one of the servers. */
interface Stretch {
  /** Microseconds of the processor for each call. */
  readonly main: number;
  readonly whole: number;
  readonly callsPerSecond: number;
  readonly p99: number;
}

/** Medians; and what differs, over pairs of a stretch and those before and after it. */
export interface WriterResult {
  readonly of: Readonly<Record<Watch, Stretch>>;
  /** Followed over alone, logged over followed; and followed over followed before, which is how much of that means nothing. */
  readonly following: Stretch;
  readonly logging: Stretch;
  readonly noise: Stretch;
  /** Of the event loop's delay, in milliseconds, by the log. */
  readonly p99Growth: number;
  readonly p99Noise: number;
  readonly written: number;
  readonly dropped: number;
}

/** Full load on a server that only decides, one that follows its calls, and one with a request log, in turn, in one process. */
export async function writerCost(rounds: number, seconds: number): Promise<WriterResult> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  const load = new GoProgram<FullLoad, LoadResult>("full-load.go");
  const server = start("./writer-server.ts", [join(folder, "requests.db")]);
  try {
    const { ports, credentials } = await message<WriterReady>(server);
    const work = {
      path: procedure,
      header: "authorization",
      credentials: credentials.map((credential) => `Bearer ${credential}`),
      draws: [...zipf(credentials.length, 1 << 16)],
    };
    let last: WriterReport | undefined;
    const stretch = async (watch: Watch, length: number): Promise<Stretch> => {
      server.send({ kind: "begin" } satisfies WriterOrder);
      const { answered, failed, ...took } = await load.run({
        ...work,
        address: `127.0.0.1:${ports[watch]}`,
        milliseconds: length * 1000,
      });
      if (failed > 0) throw new Error(`${failed} calls failed`);
      last = await call<WriterReport>(server, { kind: "report" } satisfies WriterOrder);
      const { main, whole, p99 } = last;
      return { main: main / answered, whole: whole / answered, callsPerSecond: answered / took.seconds, p99 };
    };
    for (const watch of watches) await stretch(watch, 2 * seconds);
    const followed = [await stretch("followed", seconds)];
    const logged: Stretch[] = [];
    const alone: Stretch[] = [];
    for (let round = 0; round < rounds; round += 1) {
      logged.push(await stretch("logged", seconds));
      followed.push(await stretch("followed", seconds));
      alone.push(await stretch("alone", seconds));
      followed.push(await stretch("followed", seconds));
    }
    return {
      ...compared({ alone, followed, logged }),
      ...{ written: last?.written ?? 0, dropped: last?.dropped ?? 0 },
    };
  } finally {
    load.close();
    await stop(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

const watches = ["alone", "followed", "logged"] as const satisfies readonly Watch[];

function compared({
  alone,
  followed,
  logged,
}: Readonly<Record<Watch, readonly Stretch[]>>): Omit<WriterResult, "written" | "dropped"> {
  // A round is logged, followed, alone, followed; before the first there was one that was followed.
  const aroundLogged = logged.map((_, n) => mean([followed[2 * n], followed[2 * n + 1]]));
  const aroundAlone = alone.map((_, n) => mean([followed[2 * n + 1], followed[2 * n + 2]]));
  const growth = logged.map(({ p99 }, n) => p99 - (aroundLogged[n]?.p99 ?? 0));
  const later = followed.slice(1);
  const change = later.map(({ p99 }, n) => Math.abs(p99 - (followed[n]?.p99 ?? 0)));
  return {
    of: {
      alone: each((part) => alone.map(part)),
      followed: each((part) => followed.map(part)),
      logged: each((part) => logged.map(part)),
    },
    following: over(aroundAlone, alone),
    logging: over(logged, aroundLogged),
    noise: over(later, followed),
    p99Growth: quantile(growth, 0.5),
    p99Noise: quantile(change, 0.5),
  };
}

type Part = (stretch: Stretch) => number;

function over(these: readonly Stretch[], those: readonly Stretch[]): Stretch {
  return each((part) => these.map((one, n) => part(one) / part(those[n] ?? one)));
}

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

export function writerText({ of, following, logging, noise, ...result }: WriterResult): readonly string[] {
  const line = (name: string, { main, whole, callsPerSecond, p99 }: Stretch): string =>
    `  ${name.padEnd(16)} ${main.toFixed(1).padStart(7)} µs ${whole.toFixed(1).padStart(7)} µs ${Math.round(callsPerSecond).toString().padStart(7)} calls/s, event loop p99 ${p99.toFixed(2)} ms`;
  const times = (one: Stretch): string =>
    [one.main, one.whole, one.callsPerSecond].map((value) => `${value.toFixed(3)}×`).join(", ");
  return [
    "grpc-js, tokens, full load: processor of the main thread and of the whole process for each call",
    ...watches.map((watch) => line(watch, of[watch])),
    `  followed / alone: ${times(following)}; logged / followed: ${times(logging)}; followed / followed: ${times(noise)}`,
    `  by the log, event loop p99 grows by ${result.p99Growth.toFixed(2)} ms (followed against followed: ${result.p99Noise.toFixed(2)} ms)`,
    `  ${result.written} rows written, ${result.dropped} dropped`,
  ];
}
