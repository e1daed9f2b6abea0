import { useMemo } from "react";
import { text } from "../text.ts";
import { Chart, type Series } from "../ui/chart.tsx";
import { formatCount } from "../ui/numbers.ts";
import type { Day } from "./usage-days.ts";

/** Calls with a key, day by day, by outcome. */
export function UsageChart({ days }: { days: readonly Day[] }) {
  const times = useMemo(() => days.map(({ at }) => at), [days]);
  const series = useMemo(
    (): readonly Series[] => [
      { label: text.keys.allowed, color: "accent", values: days.map(({ allowed }) => allowed), filled: true },
      { label: text.keys.denied, color: "bad", values: days.map(({ denied }) => denied) },
    ],
    [days],
  );
  return <Chart label={text.keys.usage} times={times} series={series} format={formatCount} />;
}
