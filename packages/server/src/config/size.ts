const units: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Reads `500MB` or `2GB` as bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,6})(kB|MB|GB|TB)$/.exec(text) ?? [];
  const factor = units[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** The same text for those bytes. */
export function formatSize(bytes: number): string {
  const [unit = "kB", factor = 1e3] = Object.entries(units).findLast(([, each]) => bytes % each === 0) ?? [];
  return `${bytes / factor}${unit}`;
}
