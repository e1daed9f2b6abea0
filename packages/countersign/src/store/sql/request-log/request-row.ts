import type { RequestRecord, StoredRequest } from "../../request-contracts.ts";
import type { CountedRecord } from "../../request-log/rollup.ts";

/** A row of `request_log` as a driver gives it. */
export interface RequestRow {
  readonly id: number | string;
  readonly at: number | string;
  readonly duration_us: number | string;
  readonly request_id: string;
  readonly procedure: string;
  readonly protocol: string;
  readonly code: number;
  readonly reason: string | null;
  readonly user_id: string | null;
  readonly api_key_id: string | null;
  readonly authenticator: string | null;
  readonly peer: string | null;
  readonly user_agent: string | null;
  readonly received: number;
  readonly sent: number;
  readonly rule: string | null;
  readonly missing: string | null;
  readonly tenant_id: string | null;
}

/** The columns of a new row, in the order of `cellsOf`. */
export const requestColumns = [
  ...["at", "duration_us", "request_id", "procedure", "protocol", "code", "reason", "user_id", "api_key_id"],
  ...["authenticator", "peer", "user_agent", "received", "sent", "rule", "missing", "tenant_id"],
] as const;

export type Cell = string | number | null;

export function cellsOf(record: RequestRecord): readonly Cell[] {
  return [
    record.at,
    Math.round(record.durationMs * 1000),
    record.requestId,
    record.procedure,
    record.protocol,
    record.code,
    record.reason ?? null,
    record.userId ?? null,
    record.apiKeyId ?? null,
    record.authenticator ?? null,
    record.peer ?? null,
    record.userAgent ?? null,
    record.received,
    record.sent,
    record.rule ?? null,
    record.missing ?? null,
    record.tenantId ?? null,
  ];
}

/** What is counted of a row. */
export type CountedRow = Pick<
  RequestRow,
  "at" | "duration_us" | "code" | "procedure" | "reason" | "user_id" | "api_key_id" | "tenant_id"
>;

export function countedOf(row: CountedRow): CountedRecord {
  return {
    at: Number(row.at),
    durationMs: Number(row.duration_us) / 1000,
    code: row.code,
    procedure: row.procedure,
    reason: row.reason ?? undefined,
    userId: row.user_id ?? undefined,
    apiKeyId: row.api_key_id ?? undefined,
    tenantId: row.tenant_id ?? undefined,
  };
}

export function recordOf(row: RequestRow): StoredRequest {
  return {
    ...countedOf(row),
    id: Number(row.id),
    requestId: row.request_id,
    protocol: row.protocol,
    authenticator: row.authenticator ?? undefined,
    peer: row.peer ?? undefined,
    userAgent: row.user_agent ?? undefined,
    received: row.received,
    sent: row.sent,
    rule: row.rule ?? undefined,
    missing: row.missing ?? undefined,
  };
}
