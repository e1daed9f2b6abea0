import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ApiKeySchema } from "../gen/auth/v1/api_keys_pb.ts";
import type { ApiKeyRecord } from "../store/api-key-contracts.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";

export type ApiKeyInit = MessageInitShape<typeof ApiKeySchema>;

/** What a record alone does not say. */
export interface KeyContext {
  /** Empty for an owner who is gone. */
  readonly username: string;
  /** How an imported key is recognised. */
  readonly imported?: string | undefined;
  readonly now: Date;
}

/** A key as everyone may see it who may see it at all: never its digest. */
export function keyMessage(key: ApiKeyRecord, { username, imported = "", now }: KeyContext): ApiKeyInit {
  const status = apiKeyStatus(key, now);
  const isRevoked = status === "revoked";
  // At the end of its grace nobody was there to write it down.
  const revokedAt = key.revokedAt ?? (isRevoked ? key.graceEndsAt : undefined);
  return {
    id: key.id,
    name: key.name,
    type: key.type,
    user: { id: BigInt(key.userId), username },
    status,
    totalRequests: BigInt(key.totalRequests),
    revokedReason: isRevoked ? (key.revokedReason ?? "") : "",
    revokedBy: isRevoked ? (key.revokedBy ?? "") : "",
    description: key.description,
    scopes: [...key.scopes],
    madeBy: key.madeBy ?? "",
    roles: [...key.roles],
    prefix: key.prefix,
    lastUsedAddress: key.lastUsedAddress ?? "",
    lastUsedUserAgent: key.lastUsedAgent ?? "",
    replacedBy: key.replacedBy ?? "",
    replaces: key.replaces ?? "",
    addressRanges: [...key.addressRanges],
    methods: [...key.methods],
    limits: key.callLimits.map(({ calls, per }) => ({ calls: BigInt(calls), per })),
    tags: [...key.tags],
    imported,
    createdAt: timestampFromDate(key.createdAt),
    ...at("lastUsedAt", key.lastUsedAt),
    ...at("expiresAt", key.expiresAt),
    ...at("revokedAt", revokedAt),
    ...at("rotatedAt", key.rotatedAt),
    ...at("graceEndsAt", key.graceEndsAt),
    ...at("updatedAt", key.updatedAt),
    ...at("disabledAt", key.disabledAt),
  };
}

function at<F extends keyof ApiKeyInit & string>(
  field: F,
  date: Date | undefined,
): Pick<ApiKeyInit, F> | undefined {
  return date && ({ [field]: timestampFromDate(date) } as Pick<ApiKeyInit, F>);
}
