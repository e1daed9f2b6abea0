import type { CallContext } from "../context/call-context.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import type { ReportLeakedApiKeysRequest } from "../gen/auth/v1/api_keys_pb.ts";
import { parseApiKey } from "../keys/key-format.ts";
import type { KeyDesk } from "./key-desk.ts";
import { revokeOne } from "./key-revocation.ts";
import { mayManageKeys } from "./made-keys.ts";
import { requireReason } from "./reason.ts";
import { visibleTo } from "./tenancy.ts";

const mostKeys = 100;

/**
 * Says of texts whether they are keys of ours, and revokes them. Only one with the right secret counts: otherwise whoever knows a
 * key's public id could have it revoked by writing down a text that looks like it.
 */
export async function reportLeaked(desk: KeyDesk, request: ReportLeakedApiKeysRequest, context: CallContext) {
  const caller = context.requireUser();
  if (!mayManageKeys(caller, caller.userId, "auth.keys:write"))
    context.abortPermissionDenied("Permission 'auth.keys:write' required");
  requireReason(request.reason);
  const { keys } = request;
  if (keys.length === 0 || keys.length > mostKeys)
    throw invalidArgument({ field: "keys", description: `1 to ${mostKeys}` });
  return { keys: await Promise.all(keys.map((key) => judge(desk, key, { request, context }))) };
}

async function judge(
  desk: KeyDesk,
  text: string,
  { request, context }: { readonly request: ReportLeakedApiKeysRequest; readonly context: CallContext },
) {
  const { store, digests, format } = desk.options;
  const parsed = parseApiKey(text, format);
  if (parsed === undefined) return { id: "", verdict: "not_a_key" };
  const { id, body } = parsed;
  const record = visibleTo(context.requireUser(), await store.apiKeys.load(id));
  if (!digests.matches(body, record) || record === undefined) return { id, verdict: "unknown" };
  try {
    const key = await desk.reach(id, context.requireUser(), "auth.keys:read");
    if (!request.revoke) return { id, verdict: "real", apiKey: await desk.show(key) };
    const { apiKey } = await revokeOne(desk, { id, reason: request.reason, withMadeKeys: false }, context);
    return { id, verdict: "real", apiKey, revoked: true };
  } catch (error) {
    // It is real all the same; who holds it may not manage it.
    if (error instanceof Refusal || (error instanceof CallError && error.status === "NOT_FOUND"))
      return { id, verdict: "real" };
    throw error;
  }
}
