import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { useColors } from "./theme.ts";

export interface Series {
  readonly label: string;
  /** A colour of the theme, by its name. */
  readonly color: "accent" | "bad" | "warn" | "soft";
  readonly values: readonly (number | null)[];
  /** Fills what is under the line. */
  readonly filled?: boolean;
}

export interface ChartProps {
  /** What the chart shows, for who cannot see it. */
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly height?: number;
}

/** Lines over time, and what they come to where one points at. Follows the width of what holds it, and the theme. */
export function Chart({ label, times, series, format, height = 180 }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number>();
  const colors = useColors();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn keeps its colours, and is drawn anew with others
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const plot = new uPlot(
      optionsOf(element, { times, series, format, height, setAt }),
      [[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData,
      element,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [times, series, format, height, colors]);
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <Legend {...{ series, format, times, at }} />
      <div
        ref={holder}
        role="img"
        aria-label={label}
        className="w-full overflow-hidden"
        style={{ minHeight: height }}
      />
    </div>
  );
}

function optionsOf(
  element: HTMLElement,
  {
    times,
    series,
    format,
    height,
    setAt,
  }: Pick<ChartProps, "times" | "series" | "format"> & { height: number; setAt: (at?: number) => void },
): uPlot.Options {
  const color = (name: string): string => colorOf(element, name);
  const daily = isDaily(times);
  const axis = { stroke: color("faint"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    width: element.clientWidth,
    height,
    legend: { show: false },
    hooks: { setCursor: [({ cursor }) => setAt(cursor.idx ?? undefined)] },
    // Days are those of UTC.
    ...(daily && { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC") }),
    cursor: { y: false, points: { size: 6 } },
    padding: [8, 18, 0, 0],
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        font: "12px Inter Variable",
        size: 26,
        gap: 8,
        values: (_plot, ticks, _axis, _space, step) =>
          ticks.map((tick) => (step < 86_400 ? clock : daily ? utcDay : day).format(tick * 1000)),
      },
      {
        ...axis,
        font: "12px Inter Variable",
        size: 52,
        gap: 8,
        values: (_plot, ticks) => ticks.map((tick) => format(tick)),
        // What is counted has no halves.
        ...(isCounted(series) && { incrs: wholeSteps }),
      },
    ],
    series: [
      {},
      ...series.map(({ label, color: name, filled }) => ({
        label,
        stroke: color(name),
        width: 1.75,
        points: { show: false, size: 5, filter: (plot: uPlot, at: number) => alone(plot.data[at] ?? []) },
        ...(filled && { fill: color(`${name}-soft`) }),
      })),
    ],
  };
  return options;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const utcDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

/** What a colour of the theme is here. */
function colorOf(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--color-${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Where a value has no neighbour: there is no line to it. */
function alone(values: ArrayLike<number | null | undefined>): number[] {
  const has = (at: number): boolean => values[at] !== null && values[at] !== undefined;
  return Array.from(values, (_value, at) => at).filter((at) => has(at) && !has(at - 1) && !has(at + 1));
}

const wholeSteps = Array.from({ length: 15 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();
const isCounted = (series: readonly Series[]): boolean =>
  series.every(({ values }) => values.every((value) => Number.isInteger(value)));

const isDaily = (times: readonly number[]): boolean => (times[1] ?? 0) - (times[0] ?? 0) >= 86_400;
const moment = new Intl.DateTimeFormat(undefined, {
  ...{ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
});

/** What the lines of a chart stand for, and how much that is where one points at. */
function Legend({
  series,
  times,
  format,
  at,
}: Pick<ChartProps, "series" | "times" | "format"> & { at: number | undefined }) {
  const dots = { accent: "bg-accent", bad: "bg-bad", warn: "bg-warn", soft: "bg-soft" };
  const time = at === undefined ? undefined : times[at];
  return (
    <ul className="flex flex-wrap gap-x-4 text-[13px] text-soft">
      {series.map(({ label, color, values }) => (
        <li key={label} className="flex items-center gap-1.5">
          <span aria-hidden="true" className={`size-2 rounded-full ${dots[color]}`} />
          {label}
          {at !== undefined && (
            <span className="numbers font-medium text-ink">{reading(values[at], format)}</span>
          )}
        </li>
      ))}
      {time !== undefined && (
        <li className="numbers ml-auto" title={new Date(time * 1000).toISOString()}>
          {(isDaily(times) ? utcDay : moment).format(time * 1000)}
        </li>
      )}
    </ul>
  );
}

function reading(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "—" : format(value);
}
