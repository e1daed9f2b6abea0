import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useMemo } from "react";
import type { RequestPoint } from "../api/protos.ts";
import { text } from "../text.ts";
import { Chart, type Series } from "../ui/chart.tsx";
import { formatDuration, formatShort } from "../ui/numbers.ts";

const lengths = { minute: 60, hour: 3600, day: 86_400 } as const;

/** Calls and their times, step by step; steps without a call are 0. */
export function CallsChart({
  points,
  step,
  until,
  seconds,
}: {
  points: readonly RequestPoint[];
  step: keyof typeof lengths;
  until: number;
  seconds: number;
}) {
  const { times, calls, latency } = useMemo(() => {
    const length = lengths[step];
    const end = Math.ceil(until / 1000 / length) * length;
    const count = Math.ceil(seconds / length);
    const steps = Array.from({ length: count }, (_, index) => end - (count - index) * length);
    const known = new Map(
      points.map(({ since, figures }) => [since ? timestampDate(since).getTime() / 1000 : 0, figures]),
    );
    const of = (value: (at: number) => number | null) => steps.map(value);
    const total: Series[] = [
      {
        label: text.overview.calls,
        color: "accent",
        filled: true,
        values: of((at) => Number(known.get(at)?.calls ?? 0n)),
      },
      { label: text.overview.errors, color: "bad", values: of((at) => Number(known.get(at)?.errors ?? 0n)) },
    ];
    const spent: Series[] = [
      { label: "p50", color: "accent", values: of((at) => known.get(at)?.p50Ms ?? null) },
      { label: "p95", color: "warn", values: of((at) => known.get(at)?.p95Ms ?? null) },
      { label: "p99", color: "bad", values: of((at) => known.get(at)?.p99Ms ?? null) },
    ];
    return { times: steps, calls: total, latency: spent };
  }, [points, step, until, seconds]);
  return (
    <div className="grid gap-6 lg:grid-cols-2">
      <Chart label={text.overview.callsChart} times={times} series={calls} format={formatShort} />
      <Chart label={text.overview.latencyChart} times={times} series={latency} format={formatDuration} />
    </div>
  );
}
