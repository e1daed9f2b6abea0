import { currentCall } from "../context/call-context.ts";
import type { Call } from "../core/call.ts";
import type { AuditOrigin } from "../store/audit-contracts.ts";

/**
 * Who is acting in the current call, for the `audit` option of a store. Undefined outside of calls. `addressOf`: where a call
 * came from; default: the other end of its connection.
 */
export function auditOriginOfCall(
  addressOf: (call: Call) => string | undefined = ({ peer }) => peer.address,
): AuditOrigin | undefined {
  const context = currentCall();
  if (context === undefined) return undefined;
  const { principal, authenticator, call } = context;
  return {
    actor: principal?.userId,
    apiKeyId: principal?.apiKey?.id,
    authenticator,
    address: addressOf(call),
    requestId: call.requestId,
  };
}
