import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ApiKeyList, UpdateApiKeyRequest } from "../gen/auth/v1/api_keys_pb.ts";
import type { ApiKeyPatch, ApiKeyRecord } from "../store/api-key-contracts.ts";
import type { KeyDesk } from "./key-desk.ts";
import { requireOwnLifetime, requireOwnLimits } from "./key-rank.ts";
import { fieldViolations, type KeyFields, limitsOf, namesChecked, requireNone } from "./key-request.ts";
import { found } from "./page.ts";

/** Changes what the request names. Who came with a key changes no key into one that may do more than its own. */
export async function updateKey(desk: KeyDesk, request: UpdateApiKeyRequest, context: CallContext) {
  const { store, caughtUp } = desk.options;
  const caller = context.requireUser();
  const key = await desk.command(request.id, caller);
  const fields = fieldsOf(request);
  const violations = fieldViolations(fields, desk.now());
  if (request.neverExpires && request.expiresAt !== undefined)
    violations.push({ field: "never_expires", description: "not together with expires_at" });
  requireNone(violations);
  const patch = patchOf(request, fields);
  const rank = await desk.rankOf(caller);
  requireOwnLimits({ ...key, ...patch }, rank);
  if (patch.expiresAt !== undefined)
    requireOwnLifetime(rank.own, patch.expiresAt === "never" ? undefined : patch.expiresAt);
  const updated = await namesChecked(store.apiKeys.update(key.id, patch, caller.userId));
  await caughtUp();
  return { apiKey: await desk.show(found(updated, "API key")) };
}

function fieldsOf(request: UpdateApiKeyRequest): KeyFields {
  const list = (given: ApiKeyList | undefined): readonly string[] | undefined => given?.values;
  return {
    name: request.name,
    description: request.description,
    type: request.type,
    expiresAt: request.expiresAt,
    scopes: list(request.scopes),
    roles: list(request.roles),
    addressRanges: list(request.addressRanges),
    methods: list(request.methods),
    tags: list(request.tags),
    limits: request.limits?.values,
  };
}

/** Only what is named, in the spelling in which it is stored. */
function patchOf({ neverExpires }: UpdateApiKeyRequest, fields: KeyFields): ApiKeyPatch {
  const { name, description, type, tags, expiresAt } = fields;
  const limits = limitsOf(fields);
  const named: Partial<Record<keyof ApiKeyRecord, boolean>> = {
    scopes: fields.scopes !== undefined,
    roles: fields.roles !== undefined,
    addressRanges: fields.addressRanges !== undefined,
    methods: fields.methods !== undefined,
    callLimits: fields.limits !== undefined,
  };
  const changed = Object.entries(limits).filter(([field]) => named[field as keyof ApiKeyRecord] === true);
  return {
    ...(Object.fromEntries(changed) as Partial<ApiKeyPatch>),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(type !== undefined && { type: type === "" ? "service" : type }),
    ...(tags !== undefined && { tags: [...new Set(tags)] }),
    ...(expiresAt !== undefined && { expiresAt: timestampDate(expiresAt) }),
    ...(neverExpires && { expiresAt: "never" as const }),
  };
}
