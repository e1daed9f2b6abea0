import { type Kysely, sql } from "kysely";
import { pageLimit } from "../../../page-limit.ts";
import type {
  RequestPage,
  RequestPosition,
  RequestQuery,
  StoredRequest,
} from "../../../request-contracts.ts";
import { pageOf } from "../../../request-log/newest-first.ts";
import { type RequestRow, recordOf } from "../../request-log/request-row.ts";
import { allOf, behind, planOf, type SearchPlan, upTo } from "./request-conditions.ts";

/** Rows of an index that are looked at in one go: few at first, because what is sought may be right there. */
const firstStretch = 2000;
const longestStretch = 8000;

/** After this a page ends, however little it has. */
const patienceMs = 40;

/**
 * A page of the log. What an index serves alone is one query. Everything else looks at the rows of an index stretch by
 * stretch, so that a search for what is rare, or not there, holds up nobody: it ends the page where its time is up.
 */
export async function searchRequests(
  db: Kysely<unknown>,
  { filter, limit, after }: RequestQuery,
): Promise<RequestPage> {
  const plan = planOf(filter);
  const wanted = pageLimit(limit) + 1;
  if (plan.rest.length === 0) {
    const rows = await select(db, { plan, after, limit: wanted });
    return pageOf(rows, limit, undefined);
  }
  const rows: StoredRequest[] = [];
  const began = performance.now();
  let position = after;
  for (let stretch = firstStretch; ; stretch = Math.min(stretch * 2, longestStretch)) {
    const end = await endOfStretch(db, { plan, after: position, limit: stretch });
    const left = wanted - rows.length;
    rows.push(...(await select(db, { plan, after: position, end, limit: left })));
    if (rows.length === wanted || end === undefined) return pageOf(rows, limit, undefined);
    if (performance.now() - began > patienceMs) return pageOf(rows, limit, end);
    position = end;
  }
}

interface Select {
  readonly plan: SearchPlan;
  readonly after: RequestPosition | undefined;
  readonly end?: RequestPosition | undefined;
  readonly limit: number;
}

async function select(
  db: Kysely<unknown>,
  { plan, after, end, limit }: Select,
): Promise<readonly StoredRequest[]> {
  const conditions = [
    ...plan.along,
    ...(after === undefined ? [] : [behind(after)]),
    ...(end === undefined ? [] : [upTo(end)]),
    ...plan.rest,
  ];
  const { rows } = await sql<RequestRow>`select * from request_log where ${allOf(conditions)}
    order by at desc, id desc limit ${limit}`.execute(db);
  return rows.map(recordOf);
}

/** The last row of a stretch, which has `limit`; undefined if the index ends before. */
async function endOfStretch(
  db: Kysely<unknown>,
  { plan, after, limit }: Select,
): Promise<RequestPosition | undefined> {
  const conditions = [...plan.along, ...(after === undefined ? [] : [behind(after)])];
  const { rows } = await sql<Pick<RequestRow, "at" | "id">>`select at, id from request_log
    where ${allOf(conditions)} order by at desc, id desc limit 1 offset ${limit - 1}`.execute(db);
  const [row] = rows;
  return row && { at: Number(row.at), id: Number(row.id) };
}

/** See `RequestLog.since`. */
export async function requestsSince(
  db: Kysely<unknown>,
  id: number,
  limit: number,
): Promise<readonly StoredRequest[]> {
  const { rows } = await sql<RequestRow>`select * from request_log where id > ${id}
    order by id limit ${pageLimit(limit)}`.execute(db);
  return rows.map(recordOf);
}

/** See `RequestLog.head`. */
export async function headOfRequests(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{
    readonly id: number | string | null;
  }>`select max(id) as id from request_log`.execute(db);
  return Number(rows[0]?.id ?? 0);
}
