/** The rows of these ids, each once and found by its id; without ids, all there are. */
export function rowsToList<R>(rows: ReadonlyMap<string, R>, ids: readonly string[] | undefined): R[] {
  if (ids === undefined) return [...rows.values()];
  return [...new Set(ids)].map((id) => rows.get(id)).filter((row) => row !== undefined);
}
