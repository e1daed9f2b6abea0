/** Where a row stands in a list that shows the newest first. */
export interface Position {
  readonly created_at: number;
  readonly id: string;
}

/** Equal instants in descending order of id. */
export function newestFirst(a: Position, b: Position): number {
  if (a.created_at !== b.created_at) return b.created_at - a.created_at;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}
