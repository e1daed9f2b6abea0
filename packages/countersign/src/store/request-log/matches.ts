import type { RequestFilter, RequestRecord } from "../request-contracts.ts";

/** Members of a filter that a row has to equal, by the row's member. */
const equal = [
  "userId",
  "apiKeyId",
  "reason",
  "procedure",
  "protocol",
  "authenticator",
  "requestId",
  "tenantId",
] as const;

/** Does the filter let a row through? As every store decides it. */
export function matches(row: RequestRecord, filter: RequestFilter): boolean {
  const { status, codes = [], since, until, text } = filter;
  if (equal.some((member) => filter[member] !== undefined && filter[member] !== row[member])) return false;
  if (status !== undefined && (row.code === 0) !== (status === "success")) return false;
  if (codes.length > 0 && !codes.includes(row.code)) return false;
  if (since !== undefined && row.at < since) return false;
  if (until !== undefined && row.at >= until) return false;
  if (text === undefined || text === "") return true;
  const wanted = foldedText(text);
  return [row.procedure, row.userAgent, row.peer, row.requestId].some(
    (candidate) => candidate !== undefined && foldedText(candidate).includes(wanted),
  );
}

/** Without regard to the case of ASCII letters, and of no others. */
export function foldedText(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
