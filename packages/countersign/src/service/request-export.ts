import { create, toJsonString } from "@bufbuild/protobuf";
import { LoggedRequestSchema } from "../gen/auth/v1/logs_pb.ts";
import type { StoredRequest } from "../store/request-contracts.ts";
import { codeName } from "./code-names.ts";
import { csvLine } from "./csv.ts";
import { requestMessage } from "./request-message.ts";

/** How rows become a file. */
export interface ExportFormat {
  /** What stands before the first row. */
  readonly head: string;
  readonly line: (row: StoredRequest) => string;
}

const columns: Readonly<Record<string, (row: StoredRequest) => string | number | undefined>> = {
  request_id: ({ requestId }) => requestId,
  ended_at: ({ at }) => new Date(at).toISOString(),
  duration_ms: ({ durationMs }) => durationMs,
  procedure: ({ procedure }) => procedure,
  protocol: ({ protocol }) => protocol,
  status: ({ code }) => (code === 0 ? "success" : "error"),
  code: ({ code }) => codeName(code),
  reason: ({ reason }) => reason,
  user_id: ({ userId }) => userId,
  api_key_id: ({ apiKeyId }) => apiKeyId,
  authenticator: ({ authenticator }) => authenticator,
  peer: ({ peer }) => peer,
  user_agent: ({ userAgent }) => userAgent,
  received: ({ received }) => received,
  sent: ({ sent }) => sent,
  rule: ({ rule }) => rule,
  missing: ({ missing }) => missing,
  tenant: ({ tenantId }) => tenantId,
};

/** By name. */
export const exportFormats: Readonly<Record<string, ExportFormat>> = {
  csv: {
    head: csvLine(Object.keys(columns)),
    line: (row) => csvLine(Object.values(columns).map((cell) => cell(row))),
  },
  ndjson: {
    head: "",
    line: (row) =>
      `${toJsonString(LoggedRequestSchema, create(LoggedRequestSchema, requestMessage(row)), asProto)}\n`,
  },
};

const asProto = { useProtoFieldName: true, alwaysEmitImplicit: true } as const;
