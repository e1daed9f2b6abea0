import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  LoggedRequestSchema,
  RequestFiguresSchema,
  RequestGroupSchema,
} from "../gen/auth/v1/logs_pb.ts";
import type { RequestFigures, RequestGroup, StoredRequest } from "../store/request-contracts.ts";
import { codeName } from "./code-names.ts";

/** A row of the request log as the API shows it. */
export function requestMessage(row: StoredRequest): MessageInitShape<typeof LoggedRequestSchema> {
  return {
    requestId: row.requestId,
    endedAt: timestampFromMs(row.at),
    durationMs: row.durationMs,
    procedure: row.procedure,
    protocol: row.protocol,
    status: row.code === 0 ? "success" : "error",
    code: codeName(row.code),
    reason: row.reason ?? "",
    userId: row.userId ?? "",
    apiKeyId: row.apiKeyId ?? "",
    authenticator: row.authenticator ?? "",
    peer: row.peer ?? "",
    userAgent: row.userAgent ?? "",
    received: BigInt(row.received),
    sent: BigInt(row.sent),
    rule: row.rule ?? "",
    missing: row.missing ?? "",
    tenant: row.tenantId ?? "",
  };
}

export function figuresMessage({
  calls,
  errors,
  p50,
  p95,
  p99,
}: RequestFigures): MessageInitShape<typeof RequestFiguresSchema> {
  return {
    calls: BigInt(calls),
    errors: BigInt(errors),
    successRate: calls === 0 ? 1 : (calls - errors) / calls,
    ...(p50 !== undefined && { p50Ms: p50 }),
    ...(p95 !== undefined && { p95Ms: p95 }),
    ...(p99 !== undefined && { p99Ms: p99 }),
  };
}

export function groupMessage({
  value,
  ...figures
}: RequestGroup): MessageInitShape<typeof RequestGroupSchema> {
  return { value, figures: figuresMessage(figures) };
}
