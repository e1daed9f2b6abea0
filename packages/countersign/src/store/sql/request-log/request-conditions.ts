import { type RawBuilder, sql } from "kysely";
import type { RequestFilter, RequestPosition } from "../../request-contracts.ts";

export type Condition = RawBuilder<boolean>;

/** How a dialect writes "contains, without regard to the case of ASCII letters". */
export type Contains = (column: RawBuilder<unknown>, pattern: string) => Condition;

/** What a search can go along: each in the order of time. `errors`: calls that ended with another code than 0. `time`: all. */
export type RequestIndex =
  | "request_id"
  | "api_key_id"
  | "user_id"
  | "procedure"
  | "tenant_id"
  | "errors"
  | "time";

/** How a search is carried out: along one index, in the order of time, looking at each row for the rest. */
export interface SearchPlan {
  readonly index: RequestIndex;
  /** Conditions that the index serves. */
  readonly along: readonly Condition[];
  /** What is left to look at. */
  readonly rest: readonly Condition[];
}

/** Members that have an index, and its column, the best first. */
const indexed = [
  ["requestId", "request_id"],
  ["apiKeyId", "api_key_id"],
  ["userId", "user_id"],
  ["procedure", "procedure"],
  ["tenantId", "tenant_id"],
] as const;

/** Members that are compared for equality and have none. */
const plain = ["reason", "protocol", "authenticator"] as const;

/** What a search goes along. */
export function indexOf(filter: RequestFilter): RequestIndex {
  const best = indexed.find(([member]) => filter[member] !== undefined);
  return best?.[1] ?? (ofErrors(filter) ? "errors" : "time");
}

/** Errors are few as a rule, and have an index of their own. Who was refused for a reason has an error. */
function ofErrors({ status, codes = [], reason }: RequestFilter): boolean {
  return status === "error" || (codes.length > 0 && !codes.includes(0)) || reason !== undefined;
}

export function planOf(filter: RequestFilter, contains: Contains): SearchPlan {
  const { status, codes = [], since, until, text = "" } = filter;
  const index = indexOf(filter);
  const along: Condition[] = [];
  const rest: Condition[] = [];
  const equal = (column: string, value: string | undefined): void => {
    if (value !== undefined)
      (column === index ? along : rest).push(sql<boolean>`${sql.ref(column)} = ${value}`);
  };
  for (const [member, column] of indexed) equal(column, filter[member]);
  for (const member of plain) equal(member, filter[member]);
  if (ofErrors(filter)) (index === "errors" ? along : rest).push(sql<boolean>`code <> 0`);
  if (status === "success") rest.push(sql<boolean>`code = 0`);
  if (codes.length > 0) rest.push(sql<boolean>`code in (${sql.join(codes)})`);
  if (since !== undefined) along.push(sql<boolean>`at >= ${since}`);
  if (until !== undefined) along.push(sql<boolean>`at < ${until}`);
  if (text !== "") rest.push(containing(text, contains));
  return { index, along, rest };
}

function containing(text: string, contains: Contains): Condition {
  const pattern = `%${text.replace(/[\\%_]/g, "\\$&")}%`;
  const columns = ["procedure", "user_agent", "peer", "request_id"].map((name) =>
    contains(sql.ref(name), pattern),
  );
  return sql<boolean>`(${sql.join(columns, sql` or `)})`;
}

/** Later in the list than a row. Not by a comparison of rows, for which SQLite does not use the id in its indexes. */
export function behind({ at, id }: RequestPosition): Condition {
  return sql<boolean>`at <= ${at} and (at < ${at} or id < ${id})`;
}

/** A row, or before it in the list. */
export function upTo({ at, id }: RequestPosition): Condition {
  return sql<boolean>`at >= ${at} and (at > ${at} or id >= ${id})`;
}

export function allOf(conditions: readonly Condition[]): Condition {
  return conditions.length === 0
    ? sql<boolean>`true`
    : sql<boolean>`${sql.join([...conditions], sql` and `)}`;
}
