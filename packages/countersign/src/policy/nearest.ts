/** `; did you mean "users:list"?`, if one of the names is near enough to what was written. Else the empty text. */
export function nearest(written: string, names: Iterable<string>): string {
  let best: string | undefined;
  let least = Math.min(4, Math.ceil(written.length / 3) + 1);
  for (const name of names) {
    const edits = distance(written, name, least);
    if (edits < least) [best, least] = [name, edits];
  }
  return best === undefined ? "" : `; did you mean "${best}"?`;
}

/** How many letters to add, remove or replace (Levenshtein); `limit` for that many and more. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit || from.length > 128 || to.length > 128) return limit;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? limit;
}
