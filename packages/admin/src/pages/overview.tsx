import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { Link } from "wouter";
import { ApiKeyService, LogService, type RequestGroup } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Code } from "../ui/copy.tsx";
import { formatCount, formatDuration, formatPercent, formatRate, formatShort } from "../ui/numbers.ts";
import { Denied, Empty, Failed, Loading, Page, Panel, Pending } from "../ui/page.tsx";
import { Select } from "../ui/select.tsx";
import { Time } from "../ui/time.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { KeyName, UserName } from "./names.tsx";
import { Nodes } from "./nodes.tsx";

const CallsChart = lazy(() => import("./calls-chart.tsx").then(({ CallsChart: one }) => ({ default: one })));

/** How far back, and in which steps. */
const ranges: Readonly<
  Record<string, { readonly seconds: number; readonly step: "minute" | "hour" | "day" }>
> = {
  "15m": { seconds: 900, step: "minute" },
  "1h": { seconds: 3600, step: "minute" },
  "6h": { seconds: 21_600, step: "minute" },
  "24h": { seconds: 86_400, step: "hour" },
  "7d": { seconds: 604_800, step: "hour" },
  "30d": { seconds: 2_592_000, step: "day" },
};

/** The minute that it is: figures are about whole ones. */
function useMinute(): number {
  const [minute, setMinute] = useState(() => Math.floor(Date.now() / 60_000));
  useEffect(() => {
    const timer = setInterval(() => setMinute(Math.floor(Date.now() / 60_000)), 5_000);
    return () => clearInterval(timer);
  }, []);
  return minute;
}

export function Overview() {
  const [chosen, setChosen] = useFilter("range");
  const { can } = useMe();
  const name = chosen in ranges ? chosen : "1h";
  return (
    <Page
      title={text.overview.title}
      description={text.overview.description}
      actions={
        <Select
          label={text.overview.range}
          value={name}
          onChoose={setChosen}
          choices={Object.keys(ranges).map((value) => ({
            value,
            label: text.overview.ranges[value as keyof typeof text.overview.ranges],
          }))}
        />
      }
    >
      {can("auth.logs:read") ? (
        <Figures range={ranges[name] ?? { seconds: 3600, step: "minute" }} />
      ) : (
        <Denied />
      )}
      {can("auth.keys:read") && <KeyHealth />}
      {can("auth.system:read") && <Nodes />}
    </Page>
  );
}

function Figures({
  range: { seconds, step },
}: {
  range: { seconds: number; step: "minute" | "hour" | "day" };
}) {
  const until = (useMinute() + 1) * 60_000;
  const since = new Date(until - seconds * 1000).toISOString();
  const period = {
    since: timestampFromDate(new Date(since)),
    until: timestampFromDate(new Date(until)),
  };
  const live = { refetchInterval: 5_000, placeholderData: <T,>(before: T) => before };
  const query = useQuery(LogService.method.getStatistics, { ...period, top: 6 }, live);
  const series = useQuery(LogService.method.getTimeSeries, { ...period, step }, live);
  if (query.error && !query.data) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const { data } = query;
  if (data?.all === undefined) return <Loading lines={24} />;
  const { all } = data;
  const figure = (ms: number | undefined): string => (ms === undefined ? "—" : formatDuration(ms));
  return (
    <>
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-6">
        <Tile name={text.overview.rate} value={formatRate(Number(all.calls) / seconds)} />
        <Tile name={text.overview.calls} value={formatShort(all.calls)} />
        <Tile name={text.overview.success} value={formatPercent(all.successRate)} />
        <Tile name="p50" value={figure(all.p50Ms)} />
        <Tile name="p95" value={figure(all.p95Ms)} />
        <Tile name="p99" value={figure(all.p99Ms)} />
      </dl>
      <Panel title={text.overview.traffic}>
        <Suspense fallback={<Loading lines={5} />}>
          {series.data ? (
            <CallsChart points={series.data.points} step={step} until={until} seconds={seconds} />
          ) : (
            <Pending query={series} lines={7} />
          )}
        </Suspense>
      </Panel>
      <div className="grid gap-5 lg:grid-cols-2">
        <Top
          title={text.overview.denials}
          groups={data.byReason}
          link="reason"
          since={since}
          bar="fill-bad"
          none={text.overview.noDenials}
        />
        <Top
          title={text.overview.methods}
          groups={data.byProcedure}
          link="method"
          since={since}
          none={text.overview.noCalls}
        />
        <Top
          title={text.overview.keys}
          groups={data.byApiKey}
          link="key"
          since={since}
          none={text.overview.noCalls}
          nameOf={(id) => <KeyName id={id} />}
        />
        <Top
          title={text.overview.users}
          groups={data.byUser}
          link="user"
          since={since}
          none={text.overview.noCalls}
          nameOf={(id) => <UserName id={id} />}
        />
      </div>
      {data.dropped > 0n && <p className="text-warn">{text.overview.dropped(data.dropped)}</p>}
    </>
  );
}

function Tile({ name, value }: { name: string; value: ReactNode }) {
  return (
    <div className="flex flex-col-reverse rounded-xl border border-line bg-panel px-4 py-3">
      <dt className="text-[13px] text-soft">{name}</dt>
      <dd className="numbers text-xl font-semibold tracking-tight">{value}</dd>
    </div>
  );
}

function Top({
  title,
  groups,
  link,
  since,
  none,
  bar = "fill-accent",
  nameOf = (value) => <Code>{value}</Code>,
}: {
  title: string;
  groups: readonly RequestGroup[];
  link: string;
  /** Since when they are counted: the calls that a line leads to are those that it counts. */
  since: string;
  bar?: string;
  none: string;
  nameOf?: (value: string) => ReactNode;
}) {
  const shown = groups.filter(({ value }) => value !== "");
  const most = Math.max(1, ...shown.map(({ figures }) => Number(figures?.calls ?? 0n)));
  return (
    <Panel title={title}>
      {shown.length === 0 && <p className="py-6 text-center text-soft">{none}</p>}
      <ul className="flex flex-col gap-2.5">
        {shown.map(({ value, figures }) => (
          <li key={value}>
            <Link
              href={`/logs?${new URLSearchParams({ [link]: value, since }).toString()}`}
              className="flex items-baseline justify-between gap-4 hover:text-accent"
            >
              <span className="min-w-0 truncate">{nameOf(value)}</span>
              <span className="numbers">{formatCount(figures?.calls ?? 0n)}</span>
            </Link>
            <svg
              className="mt-1 h-1 w-full"
              preserveAspectRatio="none"
              viewBox="0 0 100 1"
              aria-hidden="true"
            >
              <rect width="100" height="1" className="fill-hover" />
              <rect width={(Number(figures?.calls ?? 0n) / most) * 100} height="1" className={bar} />
            </svg>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Keys that end soon, and those that want tidying up. */
function KeyHealth() {
  const day = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const expiring = useQuery(ApiKeyService.method.listApiKeys, {
    pageSize: 6,
    expiringBefore: timestampFromDate(new Date(day + 15 * 86_400_000)),
  });
  const findings = useQuery(ApiKeyService.method.listApiKeyFindings, {});
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Panel title={text.overview.expiring}>
        <Pending query={expiring} />
        {expiring.data?.apiKeys.length === 0 && <Empty title={text.overview.noneExpiring} />}
        <ul className="flex flex-col gap-2">
          {expiring.data?.apiKeys
            .map(({ id, name, expiresAt, graceEndsAt }) => ({
              id,
              name,
              end: earlier(expiresAt, graceEndsAt),
            }))
            .toSorted((a, b) => timeOf(a.end) - timeOf(b.end))
            .map(({ id, name, end }) => (
              <li key={id} className="flex items-baseline justify-between gap-4">
                <Link href={`/keys/${id}`} className="min-w-0 truncate hover:text-accent hover:underline">
                  {name}
                </Link>
                <Time at={end} style="relative" />
              </li>
            ))}
        </ul>
      </Panel>
      <Panel title={text.overview.findings}>
        <Pending query={findings} />
        {findings.data?.findings.length === 0 && <Empty title={text.overview.noFindings} />}
        <ul className="flex flex-col gap-2">
          {findings.data?.findings.slice(0, 6).map(({ kind, apiKey, detail }) => (
            <li key={`${kind} ${apiKey?.id}`} className="flex items-baseline gap-3">
              <Badge tone="warn">
                {text.overview.kinds[kind as keyof typeof text.overview.kinds] ?? kind}
              </Badge>
              <Link
                href={`/keys/${apiKey?.id}`}
                className="max-w-[60%] shrink-0 truncate hover:text-accent hover:underline"
              >
                {apiKey?.name}
              </Link>
              <span className="truncate text-soft" title={detail}>
                {detail}
              </span>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}

/** A key that was replaced ends with its grace. */
function earlier(one: Timestamp | undefined, other: Timestamp | undefined): Timestamp | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return timeOf(one) < timeOf(other) ? one : other;
}

function timeOf(at: Timestamp | undefined): number {
  return at === undefined ? 0 : timestampDate(at).getTime();
}
