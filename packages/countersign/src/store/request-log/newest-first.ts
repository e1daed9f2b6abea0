import type { RequestPage, RequestPosition, StoredRequest } from "../request-contracts.ts";

/** The order of the log, for `sort`: the newest first, equal instants in descending order of id. */
export function newestFirst(a: RequestPosition, b: RequestPosition): number {
  return b.at - a.at || b.id - a.id;
}

/** Later in the list than another row. */
export function isBehind(one: RequestPosition, other: RequestPosition): boolean {
  return newestFirst(one, other) > 0;
}

/** A page of what was found, of which there is one more where another page follows. `end`: how far the search came, if not to its end. */
export function pageOf(
  found: readonly StoredRequest[],
  limit: number,
  end: RequestPosition | undefined,
): RequestPage {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const next = found.length > limit && last !== undefined ? { at: last.at, id: last.id } : end;
  return { rows, next };
}
