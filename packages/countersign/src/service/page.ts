import { CallError, invalidArgument } from "../core/call-error.ts";

const defaultSize = 50;
const largestSize = 1000;

/** How many rows a list request asks for. */
export function pageSize(requested: number): number {
  if (requested < 0 || requested > largestSize) {
    throw invalidArgument({
      field: "page_size",
      description: `a number from 1 to ${largestSize}; 0 means ${defaultSize}`,
    });
  }
  return requested === 0 ? defaultSize : requested;
}

/** The ids that a list is kept to, at most as many as a page has rows; undefined for a list of all. */
export function idsToList<I>(ids: readonly I[]): readonly I[] | undefined {
  if (ids.length > largestSize)
    throw invalidArgument({ field: "ids", description: `at most ${largestSize}` });
  return ids.length === 0 ? undefined : ids;
}

/** A position in a list as an opaque text. It holds nothing that its reader has not seen. */
export function pageToken(position: readonly string[]): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

/** The position that a token stands for; undefined for the first page. Anything else is the caller's mistake. */
export function readPageToken(token: string, length: number): readonly string[] | undefined {
  if (token === "") return undefined;
  const position = parse(token);
  if (
    Array.isArray(position) &&
    position.length === length &&
    position.every((part) => typeof part === "string")
  ) {
    return position;
  }
  throw invalidArgument({ field: "page_token", description: "not a token that this list gave out" });
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    return undefined;
  }
}

/** The rows of one page, and the token of the next. One row more than the page holds has to be read for that. */
export function pageOf<R>(
  rows: readonly R[],
  size: number,
  positionOf: (row: R) => readonly string[],
): { readonly rows: readonly R[]; readonly nextPageToken: string } {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    rows: page,
    nextPageToken: rows.length > size && last !== undefined ? pageToken(positionOf(last)) : "",
  };
}

/** What a lookup found, or `NOT_FOUND`. */
export function found<R>(record: R | undefined, what: string): R {
  if (record === undefined) throw new CallError("NOT_FOUND", `No such ${what}`);
  return record;
}

/** The position in a list that is ordered by time and id. */
export function readTimePosition(
  token: string,
): { readonly createdAt: Date; readonly id: string } | undefined {
  const [createdAt, id] = readPageToken(token, 2) ?? [];
  if (createdAt === undefined || id === undefined) return undefined;
  const at = new Date(createdAt);
  if (!Number.isNaN(at.getTime())) return { createdAt: at, id };
  throw invalidArgument({ field: "page_token", description: "not a token that this list gave out" });
}
