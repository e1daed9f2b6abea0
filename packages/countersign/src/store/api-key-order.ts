import type { ApiKeyOrder, ApiKeyPosition, ApiKeySort } from "./api-key-contracts.ts";
import { lowerAscii } from "./api-key-filter.ts";

/** What is compared: the same in memory and in SQL. */
type Place = string | number;

export const newestKeysFirst: ApiKeySort = Object.freeze({ by: "createdAt", descending: true });

/** Later than every end. */
const never = Number.MAX_SAFE_INTEGER;

const places: Readonly<Record<ApiKeyOrder, (key: ApiKeyPosition) => Place | undefined>> = {
  name: ({ name }) => name && lowerAscii(name),
  createdAt: ({ createdAt }) => createdAt?.getTime(),
  lastUsedAt: ({ lastUsedAt }) => lastUsedAt?.getTime() ?? 0,
  expiresAt: ({ expiresAt }) => expiresAt?.getTime() ?? never,
  totalRequests: ({ totalRequests }) => totalRequests,
};

/** The same in SQL; indexes are on exactly these. */
export const orderExpressions: Readonly<Record<ApiKeyOrder, string>> = {
  name: "lower(name)",
  createdAt: "created_at",
  lastUsedAt: "coalesce(last_used_at, 0)",
  expiresAt: `coalesce(expires_at, ${never})`,
  totalRequests: "total_requests",
};

/** Throws `TypeError` for a position in a list of another order. */
export function placeOf(key: ApiKeyPosition, order: ApiKeyOrder): Place {
  const place = places[order](key);
  if (place === undefined) throw new TypeError(`a position in the order of ${order} needs it`);
  return place;
}

/** Compares keys as a list has them. */
export function compareKeys({ by, descending }: ApiKeySort) {
  const sign = descending ? -1 : 1;
  return (a: ApiKeyPosition, b: ApiKeyPosition): number =>
    sign * (comparePlaces(placeOf(a, by), placeOf(b, by)) || comparePlaces(a.id, b.id));
}

function comparePlaces(a: Place, b: Place): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  // As databases compare text: UTF-16 would put some characters elsewhere.
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}
