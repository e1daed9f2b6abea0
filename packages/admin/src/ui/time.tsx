import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { fromNow } from "./from-now.ts";

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const instant = new Intl.DateTimeFormat(undefined, {
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

export interface TimeProps {
  readonly at: Timestamp | undefined;
  readonly style?: "relative" | "short" | "exact" | "instant";
  readonly none?: string;
}

/** A time in the viewer's zone, and in UTC when pointed at. */
export function Time({ at, style = "short", none = "—" }: TimeProps) {
  if (at === undefined) return <span className="text-faint">{none}</span>;
  const date = timestampDate(at);
  const iso = date.toISOString();
  const shown = {
    relative: () => fromNow(date),
    short: () => zone.format(date),
    exact: () => exact.format(date),
    instant: () => instant.format(date),
  };
  const title = style === "relative" || style === "instant" ? `${exact.format(date)} · ${iso}` : iso;
  return (
    <time dateTime={iso} title={title} className="numbers whitespace-nowrap">
      {shown[style]()}
    </time>
  );
}
