/** The limit of a query, checked: SQL reads a negative one as "all". Throws `RangeError`. */
export function pageLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError("limit must be a positive integer");
  return limit;
}
