import { useEffect, useRef } from "react";
import uPlot from "uplot";

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

/** Lines over time. Follows the width of what holds it, and the theme. */
export function Chart({ label, times, series, format, height = 180 }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const plot = new uPlot(
      optionsOf(element, { series, format, height }),
      [[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData,
      element,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [times, series, format, height]);
  return <div ref={holder} role="img" aria-label={label} className="w-full" style={{ minHeight: height }} />;
}

function optionsOf(
  element: HTMLElement,
  { series, format, height }: Pick<ChartProps, "series" | "format"> & { height: number },
): uPlot.Options {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string): string => {
    probe.style.color = `var(--color-${name})`;
    return getComputedStyle(probe).color;
  };
  const axis = { stroke: color("faint"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    padding: [8, 4, 0, 0],
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, font: "12px Inter Variable" },
      {
        ...axis,
        font: "12px Inter Variable",
        size: 62,
        values: (_plot, ticks) => ticks.map((tick) => format(tick)),
      },
    ],
    series: [
      {},
      ...series.map(({ label, color: name, filled }) => ({
        label,
        stroke: color(name),
        width: 1.75,
        points: { show: false },
        ...(filled && { fill: color(`${name}-soft`) }),
      })),
    ],
  };
  probe.remove();
  return options;
}

/** What the lines of a chart stand for. */
export function Legend({ series }: { series: readonly Series[] }) {
  const dots = { accent: "bg-accent", bad: "bg-bad", warn: "bg-warn", soft: "bg-soft" };
  return (
    <ul className="flex flex-wrap gap-4 text-[13px] text-soft">
      {series.map(({ label, color }) => (
        <li key={label} className="flex items-center gap-1.5">
          <span aria-hidden="true" className={`size-2 rounded-full ${dots[color]}`} />
          {label}
        </li>
      ))}
    </ul>
  );
}
