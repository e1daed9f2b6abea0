import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import { invalidArgument } from "../core/call-error.ts";
import type { GetApiKeyUsageRequest, ListApiKeyFindingsRequest } from "../gen/auth/v1/api_keys_pb.ts";
import type { UsagePeriod } from "../store/api-key-contracts.ts";
import { type HygieneRules, keyFindings } from "../store/key-hygiene.ts";
import { type KeyDesk, ownerToList } from "./key-desk.ts";
import { pageOf, pageSize, readTimePosition } from "./page.ts";
import { tenantToList } from "./tenancy.ts";

const dayMs = 86_400_000;
const usualSpanMs: Readonly<Record<UsagePeriod, number>> = { hour: dayMs, day: 30 * dayMs };
const longestSpanMs: Readonly<Record<UsagePeriod, number>> = { hour: 100 * dayMs, day: 4000 * dayMs };

/** Calls with one key, by the hour or by the day. */
export async function readUsage(desk: KeyDesk, request: GetApiKeyUsageRequest, context: CallContext) {
  const key = await desk.reach(request.id, context.requireUser(), "auth.keys:read");
  const { period: text } = request;
  const period = text === "" ? "day" : text;
  if (period !== "hour" && period !== "day")
    throw invalidArgument({ field: "period", description: "hour or day" });
  const until =
    request.until === undefined ? new Date(desk.now().getTime() + 1) : timestampDate(request.until);
  const from =
    request.from === undefined
      ? new Date(until.getTime() - usualSpanMs[period])
      : timestampDate(request.from);
  const span = until.getTime() - from.getTime();
  if (!(span >= 0 && span <= longestSpanMs[period]))
    throw invalidArgument({
      field: "from",
      description: `before until, and at most ${longestSpanMs[period] / dayMs} days`,
    });
  const counts = await desk.options.store.apiKeys.usage({
    id: key.id,
    period,
    from: startOf(from, period),
    until,
  });
  return {
    apiKey: await desk.show(key),
    usage: counts.map(({ startsAt, allowed, denied }) => ({
      startsAt: timestampFromDate(startsAt),
      allowed: BigInt(allowed),
      denied: BigInt(denied),
    })),
  };
}

const longestTrend = 31;

/** Allowed calls with each of the keys on the last days, in the order of the ids. Days of 0 mean that nobody asked. */
export async function readTrends(desk: KeyDesk, ids: readonly string[], days: number) {
  if (days === 0) return [];
  if (days < 0 || days > longestTrend)
    throw invalidArgument({ field: "usage_days", description: `from 0 to ${longestTrend}` });
  const until = desk.now();
  const first = startOf(until, "day").getTime() - (days - 1) * dayMs;
  const counts = await desk.options.store.apiKeys.usageOf({
    ids,
    period: "day",
    from: new Date(first),
    until: new Date(until.getTime() + 1),
  });
  return ids.map((id) => {
    const allowed = Array.from({ length: days }, () => 0n);
    for (const count of counts.get(id) ?? [])
      allowed[(count.startsAt.getTime() - first) / dayMs] = BigInt(count.allowed);
    return { allowed };
  });
}

/** The hour or day that the instant is in counts. */
function startOf(from: Date, period: UsagePeriod): Date {
  const ms = period === "hour" ? 3_600_000 : dayMs;
  return new Date(Math.floor(from.getTime() / ms) * ms);
}

/** A page of keys, and what there is to say about them. */
export async function readFindings(desk: KeyDesk, request: ListApiKeyFindingsRequest, context: CallContext) {
  const userId = ownerToList(request, context);
  const limit = request.pageSize === 0 ? 500 : pageSize(request.pageSize);
  const rules = rulesOf(request, desk.options.hygiene);
  const now = desk.now();
  const { apiKeys } = desk.options.store;
  const rows = await apiKeys.list({
    limit: limit + 1,
    after: readTimePosition(request.pageToken),
    userId,
    tenantId: tenantToList(context.requireUser()),
    now,
  });
  const page = pageOf(rows, limit, (key) => [key.createdAt.toISOString(), key.id]);
  const since = new Date(now.getTime() - rules.unusedDays * dayMs);
  const traces = await apiKeys.traces(
    page.rows.map(({ id }) => id),
    since,
  );
  const shown = await desk.showAll(page.rows);
  const findings = page.rows.flatMap((key, index) =>
    keyFindings(key, traces.get(key.id), { rules, now }).map(({ kind, detail, scopes }) => ({
      kind,
      detail,
      scopes: [...scopes],
      apiKey: shown[index] ?? {},
    })),
  );
  return { findings, nextPageToken: page.nextPageToken };
}

function rulesOf(
  { unusedDays, manyAddresses }: ListApiKeyFindingsRequest,
  usual: HygieneRules = { unusedDays: 90, manyAddresses: 10 },
): HygieneRules {
  if (unusedDays < 0 || unusedDays > 3650)
    throw invalidArgument({ field: "unused_days", description: "from 1 to 3650; 0 means as configured" });
  if (manyAddresses < 0) throw invalidArgument({ field: "many_addresses", description: "1 or more" });
  return {
    unusedDays: unusedDays === 0 ? usual.unusedDays : unusedDays,
    manyAddresses: manyAddresses === 0 ? usual.manyAddresses : manyAddresses,
  };
}
