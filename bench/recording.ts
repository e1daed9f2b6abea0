import type { EndedCall, Principal } from "countersign";
import { createRequestRecorder, type RequestRecord, type RequestRecorder } from "countersign/store";
import { openSqliteRequestLog } from "countersign/store/sqlite";

/** A request log in a file, as the program has it. */
export async function recordingTo(path: string): Promise<RequestRecorder> {
  return createRequestRecorder({ log: await openSqliteRequestLog({ path }) });
}

/** What the program keeps of a call. */
export function recordOf(ended: EndedCall<Principal>): RequestRecord {
  const { call, admitted } = ended;
  return {
    requestId: ended.requestId,
    at: ended.endedAt,
    durationMs: ended.durationMs,
    procedure: call.procedure,
    protocol: call.protocol,
    code: ended.code,
    reason: ended.reason,
    userId: admitted?.principal?.userId,
    apiKeyId: admitted?.principal?.apiKey?.id,
    authenticator: admitted?.authenticator,
    peer: ended.peerAddress,
    userAgent: call.header("user-agent")[0],
    received: ended.received,
    sent: ended.sent,
    rule: ended.rule,
    missing: undefined,
    tenantId: undefined,
  };
}
