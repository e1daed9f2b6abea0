import type { EndedCall, Principal } from "countersign";
import type { RequestRecord } from "countersign/store";
import type { PeerAddress } from "./peer-address.ts";

/** What the request log keeps of a call. */
export function recordOf(ended: EndedCall<Principal>, peerOf: PeerAddress): RequestRecord {
  const { call, admitted, denial, subject } = ended;
  const principal = admitted?.principal;
  return {
    requestId: ended.requestId,
    at: ended.endedAt,
    durationMs: ended.durationMs,
    procedure: call.procedure,
    protocol: call.protocol,
    code: ended.code,
    reason: ended.reason,
    userId: principal?.userId ?? subject?.userId,
    apiKeyId: principal?.apiKey?.id ?? subject?.apiKeyId,
    authenticator: admitted?.authenticator ?? subject?.authenticator,
    peer: peerOf(call, ended.peerAddress),
    userAgent: call.header("user-agent")[0],
    received: ended.received,
    sent: ended.sent,
    rule: ended.rule,
    missing: denial?.missing,
    tenantId: undefined,
  };
}
