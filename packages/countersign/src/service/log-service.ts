import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import { isTenantId } from "../core/tenant.ts";
import type {
  ExportRequestsRequest,
  RequestFilter as FilterMessage,
  GetRequestRequest,
  GetStatisticsRequest,
  GetTimeSeriesRequest,
  ListRequestsRequest,
  LogService,
  WatchRequestsRequest,
} from "../gen/auth/v1/logs_pb.ts";
import type { RequestFilter, RequestLog, RequestPosition, RequestStep } from "../store/request-contracts.ts";
import { matches } from "../store/request-log/matches.ts";
import { codeName } from "./code-names.ts";
import { found, pageSize, pageToken } from "./page.ts";
import { readAll } from "./read-all.ts";
import { exportFormats } from "./request-export.ts";
import { figuresMessage, groupMessage, requestMessage } from "./request-message.ts";
import { readFilter, readLists, readOf, readPosition, readRange } from "./request-query.ts";
import { RequestTail } from "./request-tail.ts";
import { tenantToList } from "./tenancy.ts";

export interface LogServiceOptions {
  /** Undefined where none is kept: every method is answered with FAILED_PRECONDITION. */
  readonly requests: RequestLog | undefined;
}

const dayMs = 86_400_000;
const stepMs: Readonly<Record<RequestStep, number>> = { minute: 60_000, hour: 3_600_000, day: dayMs };
/** Points of a series, and rows of one piece of an export. */
const mostPoints = 5000;
const exportSize = 500;
const mostOthers = 100;

/** `auth.v1.LogService`: the request log, and what it comes to. */
export function createLogService({ requests }: LogServiceOptions): ServiceHandlers<typeof LogService> {
  const log = requests ?? nothingKept;
  const tail = new RequestTail(log);
  return {
    listRequests: (request, context) => list(log, request, context),
    getRequest: (request, context) => get(log, request, context),
    watchRequests: (request, context) => watch(tail, request, context),
    exportRequests: (request, context) => exported(log, request, context),
    getStatistics: (request, context) => statistics(log, request, context),
    getTimeSeries: (request, context) => series(log, request, context),
  };
}

async function list(log: RequestLog, request: ListRequestsRequest, context: CallContext) {
  const { filter, pageSize: size, pageToken: token } = request;
  const query = readAll({
    filter: () => visibleFilter(filter, context),
    limit: () => pageSize(size),
    after: () => readPosition(token),
  });
  const { rows, next } = await log.list(query);
  return { requests: rows.map(requestMessage), nextPageToken: tokenOf(next) };
}

function tokenOf(next: RequestPosition | undefined): string {
  return next === undefined ? "" : pageToken([String(next.at), String(next.id)]);
}

async function get(log: RequestLog, { requestId }: GetRequestRequest, context: CallContext) {
  if (requestId === "" || requestId.length > 64)
    throw invalidArgument({ field: "request_id", description: "1 to 64 characters" });
  const { rows } = await log.list({
    filter: { requestId, tenantId: tenantOf(context, "") },
    limit: mostOthers + 1,
  });
  const request = found(rows[0], "request");
  return { request: requestMessage(request), others: rows.length - 1 };
}

async function* watch(tail: RequestTail, { filter: given }: WatchRequestsRequest, context: CallContext) {
  const { call } = context;
  const { since: _since, until: _until, ...filter } = visibleFilter(given, context);
  const reader = await tail.follow();
  const leave = (): void => reader.end();
  call.signal.addEventListener("abort", leave, { once: true });
  if (call.signal.aborted) leave();
  try {
    // So that a reader knows that it hears of everything from now on.
    yield { requests: [], missed: 0n };
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      const rows = batch.rows.filter((row) => matches(row, filter));
      if (rows.length === 0 && batch.missed === 0) continue;
      yield { requests: rows.map(requestMessage), missed: BigInt(batch.missed) };
    }
  } finally {
    reader.end();
    call.signal.removeEventListener("abort", leave);
  }
}

async function* exported(
  log: RequestLog,
  { filter: given, format: name }: ExportRequestsRequest,
  context: CallContext,
) {
  const { call } = context;
  const { format, filter } = readAll({
    format: () => formatOf(name),
    filter: () => visibleFilter(given, context),
  });
  // Without an end, a log that grows faster than it is read would have none.
  const bounded = { ...filter, until: filter.until ?? Date.now() };
  const bytes = new TextEncoder();
  yield { data: bytes.encode(format.head) };
  let after: RequestPosition | undefined;
  do {
    const { rows, next } = await log.list({ filter: bounded, limit: exportSize, after });
    if (rows.length > 0) yield { data: bytes.encode(rows.map(format.line).join("")) };
    after = next;
  } while (after !== undefined && !call.signal.aborted);
}

function formatOf(name: string) {
  const format = Object.hasOwn(exportFormats, name) ? exportFormats[name] : undefined;
  if (format !== undefined) return format;
  throw invalidArgument({ field: "format", description: Object.keys(exportFormats).join(" or ") });
}

async function statistics(log: RequestLog, request: GetStatisticsRequest, context: CallContext) {
  const { range: stretch, ...query } = readAll({
    range: () => readRange(request, dayMs, 800 * dayMs),
    of: () => readOf(request.of),
    tenantId: () => tenantOf(context, request.tenant),
    lists: () => readLists(request.lists),
    top: () => readTop(request.top),
  });
  const { range, dropped, by, ...all } = await log.statistics({ ...stretch, ...query });
  return {
    since: timestampFromMs(range.since),
    until: timestampFromMs(range.until),
    all: figuresMessage(all),
    dropped: BigInt(dropped),
    byProcedure: by.procedure.map(groupMessage),
    byApiKey: by.apiKey.map(groupMessage),
    byUser: by.user.map(groupMessage),
    byReason: by.reason.map(groupMessage),
    byCode: by.code.map(({ value, ...rest }) => groupMessage({ value: codeName(Number(value)), ...rest })),
  };
}

function readTop(top: number): number {
  if (top < 0 || top > 1000) throw invalidArgument({ field: "top", description: "a number from 0 to 1000" });
  return top === 0 ? 10 : top;
}

async function series(log: RequestLog, request: GetTimeSeriesRequest, context: CallContext) {
  const step = stepOf(request.step);
  const { range, ...query } = readAll({
    step: () => step ?? wrongStep(),
    range: () => readRange(request, 60 * stepMs[step ?? "minute"], mostPoints * stepMs[step ?? "day"]),
    of: () => readOf(request.of),
    tenantId: () => tenantOf(context, request.tenant),
  });
  const points = await log.series({ ...range, ...query });
  return {
    points: points.map(({ since, ...figures }) => ({
      since: timestampFromMs(since),
      figures: figuresMessage(figures),
    })),
  };
}

function visibleFilter(given: FilterMessage | undefined, context: CallContext): RequestFilter {
  const { filter, tenantId } = readAll({
    filter: () => readFilter(given),
    tenantId: () => tenantOf(context, given?.tenant ?? ""),
  });
  return { ...filter, tenantId };
}

/** What a caller in a tenant is kept to, whatever it asks for. */
function tenantOf(context: CallContext, asked: string): string | undefined {
  if (asked !== "" && !isTenantId(asked))
    throw invalidArgument({ field: "tenant", description: "not the id of a tenant" });
  return tenantToList(context.requireUser(), asked === "" ? undefined : asked);
}

/** Undefined for one that there is not. */
function stepOf(name: string): RequestStep | undefined {
  return name === "" ? "minute" : (Object.keys(stepMs) as RequestStep[]).find((step) => step === name);
}

function wrongStep(): never {
  throw invalidArgument({ field: "step", description: "minute, hour or day" });
}

const refuse = async (): Promise<never> => {
  throw new CallError("FAILED_PRECONDITION", "No request log is kept: request_log.enabled is false");
};

const nothingKept: RequestLog = {
  append: refuse,
  list: refuse,
  since: refuse,
  head: refuse,
  statistics: refuse,
  series: refuse,
  prune: refuse,
  close: async () => {},
};
