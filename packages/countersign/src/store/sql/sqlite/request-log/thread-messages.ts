import type { RequestLog, RequestRecord } from "../../../request-contracts.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly path: string;
  /** Milliseconds since the epoch, for tests. */
  readonly now: SharedArrayBuffer | undefined;
}

/** A call of the log's, on its way to the thread. */
export interface Asked {
  readonly id: number;
  readonly method: keyof RequestLog;
  readonly args: readonly unknown[];
}

/** What came of it. */
export interface Answered {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: { readonly message: string; readonly unavailable: boolean };
}

/**
 * Rows as one text, in the order of `recordsOf`: copying objects from thread to thread costs several times as much, and a list
 * of texts twice. This is done on the main thread, a thousand rows at a time.
 */
export function flattened(rows: readonly RequestRecord[]): string {
  const flat: unknown[] = [];
  for (const row of rows) {
    flat.push(row.requestId, row.at, row.durationMs, row.procedure, row.protocol, row.code, row.reason);
    flat.push(row.userId, row.apiKeyId, row.authenticator, row.peer, row.userAgent, row.received, row.sent);
    flat.push(row.rule, row.missing, row.tenantId);
  }
  return JSON.stringify(flat);
}

const members = [
  ...(["requestId", "at", "durationMs", "procedure", "protocol", "code", "reason"] as const),
  ...(["userId", "apiKeyId", "authenticator", "peer", "userAgent", "received", "sent"] as const),
  ...(["rule", "missing", "tenantId"] as const),
] satisfies readonly (keyof RequestRecord)[];

export function recordsOf(text: string): readonly RequestRecord[] {
  const flat = JSON.parse(text) as readonly unknown[];
  const rows: RequestRecord[] = [];
  for (let at = 0; at < flat.length; at += members.length) {
    const row: Partial<Record<keyof RequestRecord, unknown>> = {};
    // What is undefined is null in JSON.
    for (const [index, member] of members.entries()) row[member] = flat[at + index] ?? undefined;
    rows.push(row as unknown as RequestRecord);
  }
  return rows;
}
