const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Reads `4s`, `15m`, `24h` or `30d`: a whole number with its unit. Seconds, or undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match === null) return undefined;
  const [, digits = "", unit = "s"] = match;
  return Number(digits) * unitSeconds[unit as keyof typeof unitSeconds];
}
