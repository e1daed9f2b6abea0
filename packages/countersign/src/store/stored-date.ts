/** Milliseconds since the epoch. Throws `TypeError` for a date that is none. */
export function requireDate(name: string, date: Date): number {
  const at = date.getTime();
  if (Number.isNaN(at)) throw new TypeError(`${name} is not a valid date`);
  return at;
}

export function toDate(at: number | null): Date | undefined {
  return at === null ? undefined : new Date(Number(at));
}
