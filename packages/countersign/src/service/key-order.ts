import { invalidArgument } from "../core/call-error.ts";
import type { ApiKeyOrder, ApiKeyPosition, ApiKeySort } from "../store/api-key-contracts.ts";
import { readPageToken } from "./page.ts";

const orders: ReadonlyMap<string, ApiKeyOrder> = new Map([
  ["name", "name"],
  ["created_at", "createdAt"],
  ["last_used_at", "lastUsedAt"],
  ["expires_at", "expiresAt"],
  ["total_requests", "totalRequests"],
]);

/** The order that a request asks for, by its name with or without a `-`. */
export interface KeyOrder extends ApiKeySort {
  readonly text: string;
}

export function keyOrderOf(requested: string): KeyOrder {
  const text = requested === "" ? "-created_at" : requested;
  const descending = text.startsWith("-");
  const by = orders.get(descending ? text.slice(1) : text);
  if (by !== undefined) return { text, by, descending };
  const names = [...orders.keys()].join(", ");
  throw invalidArgument({ field: "sort", description: `one of ${names}, or one with a - before it` });
}

/** The position of a key, as a page token has it: a token of one order is none of another. */
export function keyPosition(key: ApiKeyPosition, { text, by }: KeyOrder): readonly string[] {
  const value = key[by];
  return [text, value instanceof Date ? value.toISOString() : String(value ?? ""), key.id];
}

export function readKeyPosition(token: string, { text, by }: KeyOrder): ApiKeyPosition | undefined {
  const [of, value, id] = readPageToken(token, 3) ?? [];
  if (of === undefined || value === undefined || id === undefined) return undefined;
  const place = of === text ? read[by](value) : undefined;
  if (place !== undefined) return { ...place, id };
  throw invalidArgument({ field: "page_token", description: "not a token that this list gave out" });
}

type Reader = (text: string) => Omit<ApiKeyPosition, "id"> | undefined;

const read: Readonly<Record<ApiKeyOrder, Reader>> = {
  name: (name) => ({ name }),
  createdAt: (text) => instant(text, (createdAt) => ({ createdAt })),
  lastUsedAt: (text) => (text === "" ? {} : instant(text, (lastUsedAt) => ({ lastUsedAt }))),
  expiresAt: (text) => (text === "" ? {} : instant(text, (expiresAt) => ({ expiresAt }))),
  totalRequests: (text) => (/^\d{1,15}$/.test(text) ? { totalRequests: Number(text) } : undefined),
};

function instant(text: string, position: (at: Date) => ReturnType<Reader>): ReturnType<Reader> {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : position(at);
}
