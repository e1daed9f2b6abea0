import { type RawBuilder, sql } from "kysely";
import type { RequestFilter, RequestPosition } from "../../request-contracts.ts";

export type Condition = RawBuilder<boolean>;

/** How a search is carried out: along one index, in the order of time, looking at each row for the rest. */
export interface SearchPlan {
  /** Conditions that an index serves. */
  readonly along: readonly Condition[];
  /** What is left to look at. */
  readonly rest: readonly Condition[];
}

/** Columns that are compared for equality; those before the line have an index with the time behind it, the best first. */
const equal = [
  ["requestId", "request_id", "indexed"],
  ["apiKeyId", "api_key_id", "indexed"],
  ["userId", "user_id", "indexed"],
  ["procedure", "procedure", "indexed"],
  ["tenantId", "tenant_id", "indexed"],
  ["reason", "reason", "plain"],
  ["protocol", "protocol", "plain"],
  ["authenticator", "authenticator", "plain"],
] as const;

/** `fold`: how the dialect writes "contains, without regard to the case of ASCII letters". */
export function planOf(
  filter: RequestFilter,
  contains: (column: RawBuilder<unknown>, pattern: string) => Condition,
): SearchPlan {
  const { status, codes = [], reason, since, until, text = "" } = filter;
  const along: Condition[] = [];
  const rest: Condition[] = [];
  let indexed = false;
  for (const [member, column, kind] of equal) {
    const value = filter[member];
    if (value === undefined) continue;
    const condition = sql<boolean>`${sql.ref(column)} = ${value}`;
    if (kind === "indexed" && !indexed) along.push(condition);
    else rest.push(condition);
    indexed ||= kind === "indexed";
  }
  // Errors are few as a rule, and have an index of their own. Who was refused for a reason has an error.
  const errors = status === "error" || (codes.length > 0 && !codes.includes(0)) || reason !== undefined;
  if (errors) (indexed ? rest : along).push(sql<boolean>`code <> 0`);
  if (status === "success") rest.push(sql<boolean>`code = 0`);
  if (codes.length > 0) rest.push(sql<boolean>`code in (${sql.join(codes)})`);
  if (since !== undefined) along.push(sql<boolean>`at >= ${since}`);
  if (until !== undefined) along.push(sql<boolean>`at < ${until}`);
  if (text !== "") rest.push(containing(text, contains));
  return { along, rest };
}

function containing(
  text: string,
  contains: (column: RawBuilder<unknown>, pattern: string) => Condition,
): Condition {
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
