import { type RawBuilder, sql } from "kysely";
import type { RequestFilter, RequestPosition } from "../../../request-contracts.ts";

export type Condition = RawBuilder<boolean>;

/** How a search is carried out: along one index, in the order of time, looking at each row for the rest. */
export interface SearchPlan {
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

/** Errors are few as a rule, and have an index of their own. Who was refused for a reason has an error. */
function ofErrors({ status, codes = [], reason }: RequestFilter): boolean {
  return status === "error" || (codes.length > 0 && !codes.includes(0)) || reason !== undefined;
}

export function planOf(filter: RequestFilter): SearchPlan {
  const { status, codes = [], since, until, text = "" } = filter;
  const best = indexed.find(([member]) => filter[member] !== undefined)?.[1];
  const along: Condition[] = [];
  const rest: Condition[] = [];
  const equal = (column: string, value: string | undefined): void => {
    if (value !== undefined)
      (column === best ? along : rest).push(sql<boolean>`${sql.ref(column)} = ${value}`);
  };
  for (const [member, column] of indexed) equal(column, filter[member]);
  for (const member of plain) equal(member, filter[member]);
  if (ofErrors(filter)) (best === undefined ? along : rest).push(sql<boolean>`code <> 0`);
  if (status === "success") rest.push(sql<boolean>`code = 0`);
  if (codes.length > 0) rest.push(sql<boolean>`code in (${sql.join(codes)})`);
  if (since !== undefined) along.push(sql<boolean>`at >= ${since}`);
  if (until !== undefined) along.push(sql<boolean>`at < ${until}`);
  if (text !== "") rest.push(containing(text));
  return { along, rest };
}

/** The columns are "C", in which only the letters of ASCII have a case. */
function containing(text: string): Condition {
  const pattern = `%${text.replace(/[\\%_]/g, "\\$&")}%`;
  const columns = ["procedure", "user_agent", "peer", "request_id"].map(
    (name) => sql<boolean>`${sql.ref(name)} ilike ${pattern}`,
  );
  return sql<boolean>`(${sql.join(columns, sql` or `)})`;
}

/** Later in the list than a row. */
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
