import { currentCall } from "../context/call-context.ts";
import type { Call } from "../core/call.ts";
import type { AuditOrigin } from "../store/audit-contracts.ts";

/** A call that its adapter has given an id. */
type Named = Call & { readonly requestId?: string | undefined };

/** Who is acting in the current call, for the `audit` option of a store. Undefined outside of calls. */
export function auditOriginOfCall(): AuditOrigin | undefined {
  const context = currentCall();
  if (context === undefined) return undefined;
  const { principal, authenticator } = context;
  const call: Named = context.call;
  return {
    actor: principal?.userId,
    apiKeyId: principal?.apiKey?.id,
    authenticator,
    address: call.peer.address,
    requestId: call.requestId,
  };
}
