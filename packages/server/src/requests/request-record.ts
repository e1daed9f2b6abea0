import type { EndedCall, Principal } from "countersign";
import type { RequestRecord } from "countersign/store";
import type { PeerAddress } from "./peer-address.ts";

/** Characters of a user agent that are kept. */
const longestAgent = 256;

/** A part of a text holds on to the whole of it, and many of these may wait to be written: a copy does not. */
function bounded(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= longestAgent) return text;
  return Buffer.from(text.slice(0, longestAgent)).toString();
}

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
    authenticator: admitted?.authenticator ?? denial?.authenticator,
    peer: peerOf(call, ended.peerAddress),
    userAgent: bounded(call.header("user-agent")[0]),
    received: ended.received,
    sent: ended.sent,
    rule: ended.rule,
    missing: denial?.missing,
    tenantId: principal?.tenantId ?? subject?.tenantId,
  };
}
