/** A day of UTC, or a time with its zone: nobody could say whose a time without one is (RFC 3339, seconds left out or not). */
const written = /^(\d{4})-(\d{2})-(\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** In milliseconds. Undefined for what is no instant, and for a day that no calendar has: `Date` would take the next one there is. */
export function readInstant(text: string): number | undefined {
  const [, year, month, day] = written.exec(text) ?? [];
  if (day === undefined) return undefined;
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (midnight.getUTCDate() !== Number(day)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
