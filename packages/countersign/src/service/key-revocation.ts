import type { CallContext } from "../context/call-context.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import type { RevokeApiKeyRequest, RevokeApiKeysRequest } from "../gen/auth/v1/api_keys_pb.ts";
import type { ApiKeyRecord } from "../store/api-key-contracts.ts";
import type { KeyDesk } from "./key-desk.ts";
import {
  type KeyRevocation,
  madeKeysOf,
  mayManageKeys,
  requireKeyRank,
  revokeMadeKeys,
} from "./made-keys.ts";
import { found } from "./page.ts";
import { requireReason } from "./reason.ts";
import { tenantToList } from "./tenancy.ts";

const mostKeys = 1000;

interface Order {
  readonly reason: string;
  readonly withMadeKeys: boolean;
}

interface Revoked {
  readonly apiKey: ApiKeyRecord;
  readonly madeKeys: readonly string[];
  readonly revokedKeys: readonly string[];
}

export async function revokeOne(
  desk: KeyDesk,
  request: Pick<RevokeApiKeyRequest, "id" | "reason" | "withMadeKeys">,
  context: CallContext,
) {
  requireReason(request.reason);
  const revoked = await revoke(desk, request.id, { order: request, context });
  await desk.options.caughtUp();
  const { apiKey, madeKeys, revokedKeys } = revoked;
  return { apiKey: await desk.show(apiKey), madeKeys: [...madeKeys], revokedKeys: [...revokedKeys] };
}

/** Each by itself: one that the caller may not revoke does not keep the others. */
export async function revokeSome(desk: KeyDesk, request: RevokeApiKeysRequest, context: CallContext) {
  const ids = await wantedIds(desk, request, context);
  requireReason(request.reason);
  const [revoked, refusedIds]: [Revoked[], string[]] = [[], []];
  for (const id of ids) {
    try {
      revoked.push(await revoke(desk, id, { order: request, context }));
    } catch (error) {
      const isRefused =
        error instanceof Refusal || (error instanceof CallError && error.status === "NOT_FOUND");
      if (!isRefused) throw error;
      refusedIds.push(id);
    }
  }
  await desk.options.caughtUp();
  const gone = new Set(revoked.flatMap(({ apiKey, revokedKeys }) => [apiKey.id, ...revokedKeys]));
  return {
    apiKeys: await desk.showAll(revoked.map(({ apiKey }) => apiKey)),
    refusedIds,
    madeKeys: [...new Set(revoked.flatMap(({ madeKeys }) => madeKeys))].filter((id) => !gone.has(id)),
    revokedKeys: [...new Set(revoked.flatMap(({ revokedKeys }) => revokedKeys))],
  };
}

async function revoke(
  desk: KeyDesk,
  id: string,
  { order, context }: { readonly order: Order; readonly context: CallContext },
): Promise<Revoked> {
  const { store, roles } = desk.options;
  const caller = context.requireUser();
  const { reason, withMadeKeys } = order;
  const revocation: KeyRevocation = { keys: store.apiKeys, users: store.users, roles, caller, reason };
  const key = await desk.reach(id, caller, "auth.keys:write");
  await requireKeyRank(revocation, key);
  const apiKey = found(await store.apiKeys.revoke(key.id, { reason, by: caller.userId }), "API key");
  const { revokedKeys, madeKeys } = withMadeKeys
    ? await revokeMadeKeys(revocation, key.id)
    : { revokedKeys: [], madeKeys: await madeKeysOf(store.apiKeys, key.id) };
  return { apiKey, madeKeys: madeKeys.map((one) => one.id), revokedKeys };
}

async function wantedIds(
  desk: KeyDesk,
  { ids, userId: wanted }: RevokeApiKeysRequest,
  context: CallContext,
): Promise<readonly string[]> {
  const caller = context.requireUser();
  const userId = wanted === undefined ? caller.userId : String(wanted);
  if (!mayManageKeys(caller, userId, "auth.keys:write"))
    context.abortPermissionDenied("Permission 'auth.keys:write' required");
  if ((wanted === undefined) === (ids.length === 0))
    throw invalidArgument({
      field: "ids",
      description: "ids, or the user_id whose keys are meant: one of the two",
    });
  if (ids.length > mostKeys) throw invalidArgument({ field: "ids", description: `at most ${mostKeys}` });
  if (wanted === undefined) return [...new Set(ids)];
  const found: string[] = [];
  let after: { readonly createdAt: Date; readonly id: string } | undefined;
  for (;;) {
    const page = await desk.options.store.apiKeys.list({
      ...{ limit: mostKeys, userId, after, now: desk.now() },
      tenantId: tenantToList(caller),
    });
    found.push(...page.filter(({ revokedAt }) => revokedAt === undefined).map(({ id }) => id));
    after = page.at(-1);
    if (page.length < mostKeys) return found;
  }
}
