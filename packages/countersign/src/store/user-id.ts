const maxId = 2n ** 63n - 1n;
const decimal = /^[1-9][0-9]{0,18}$/;

/** A user id as SQL knows it; undefined for a text that is not a positive 64-bit integer in its one decimal form. */
export function parseUserId(id: string): bigint | undefined {
  if (!decimal.test(id)) return undefined;
  const value = BigInt(id);
  return value <= maxId ? value : undefined;
}
