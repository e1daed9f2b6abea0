import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { grants, type Principal } from "../core/principal.ts";
import type { ApiKeySchema, ApiKeyService, CreateApiKeyRequest } from "../gen/auth/v1/api_keys_pb.ts";
import type { KeyDigests } from "../keys/key-digest.ts";
import { type ApiKeyFormat, generateApiKey } from "../keys/key-format.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";
import { type ApiKeyRecord, type ApiKeyStatus, Conflict, type Store, type UserRecord } from "../store/contracts.ts";
import { found, pageOf, pageSize, readPageToken } from "./page.ts";
import { requireRank } from "./rank.ts";

export interface ApiKeyServiceOptions {
  readonly store: Pick<Store, "apiKeys" | "users">;
  readonly digests: KeyDigests;
  /** What new keys name between prefix and id: `dev`, `live`. */
  readonly environment: string;
  readonly format?: ApiKeyFormat;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
  /** Default: the clock. */
  readonly now?: () => Date;
}

const keyTypes = ["service", "cli", "webhook", "internal", "development"];
const statuses: readonly ApiKeyStatus[] = ["active", "disabled", "expired", "revoked"];

/** `auth.v1.ApiKeyService`: callers manage their own keys; those of others need `auth.keys:read` or `auth.keys:write`. */
export function createApiKeyService(options: ApiKeyServiceOptions): ServiceHandlers<typeof ApiKeyService> {
  const { store, digests, environment, format, caughtUp, now = () => new Date() } = options;
  const { apiKeys, users } = store;

  async function owner(userId: string): Promise<UserRecord | undefined> {
    return await users.load(userId);
  }

  async function present(key: ApiKeyRecord): Promise<ApiKeyInit> {
    return toMessage(key, await owner(key.userId), now());
  }

  /** A key that the caller may see or change; what it may not is as good as absent. */
  async function reachable(id: string, context: CallContext, permission: string): Promise<ApiKeyRecord> {
    const key = await apiKeys.load(id);
    const caller = context.requireUser();
    return found(key !== undefined && mayManage(caller, key.userId, permission) ? key : undefined, "API key");
  }

  return {
    async createApiKey(request, context) {
      const caller = context.requireUser();
      const userId = request.userId === undefined ? caller.userId : String(request.userId);
      if (!mayManage(caller, userId, "auth.keys:write")) {
        context.abortPermissionDenied("Permission 'auth.keys:write' required");
      }
      check(request, now());
      const user = await owner(userId);
      if (user === undefined) throw invalidArgument({ field: "user_id", description: "no such user" });
      requireRank(caller, user);
      if (caller.apiKey !== undefined) requireOwnScopes(caller, request.scopes);
      const { key, id, body } = generateApiKey(environment, format);
      const record = await namesChecked(
        apiKeys.create({
          ...digests.digest(body),
          id,
          name: request.name,
          description: request.description,
          type: request.type === "" ? "service" : request.type,
          userId,
          scopes: request.scopes,
          expiresAt: request.expiresAt === undefined ? undefined : timestampDate(request.expiresAt),
        }),
      );
      return { apiKey: toMessage(record, user, now()), key };
    },
    async listApiKeys(request, context) {
      const caller = context.requireUser();
      const userId = request.userId === undefined ? undefined : String(request.userId);
      const all = mayManage(caller, undefined, "auth.keys:read");
      if (userId !== undefined && !mayManage(caller, userId, "auth.keys:read")) {
        context.abortPermissionDenied("Permission 'auth.keys:read' required");
      }
      if (!all && !mayManage(caller, caller.userId, "auth.keys:read")) {
        context.abortPermissionDenied("Permission 'auth.keys:read' required");
      }
      const limit = pageSize(request.pageSize);
      const rows = await apiKeys.list({
        limit: limit + 1,
        after: positionOf(readPageToken(request.pageToken, 2)),
        userId: userId ?? (all ? undefined : caller.userId),
        status: statusOf(request.status),
        now: now(),
      });
      const page = pageOf(rows, limit, (key) => [key.createdAt.toISOString(), key.id]);
      return { apiKeys: await Promise.all(page.rows.map(present)), nextPageToken: page.nextPageToken };
    },
    async getApiKey({ id }, context) {
      return { apiKey: await present(await reachable(id, context, "auth.keys:read")) };
    },
    async revokeApiKey({ id, reason }, context) {
      if (reason.length > 500) throw invalidArgument({ field: "reason", description: "at most 500 characters" });
      const key = await reachable(id, context, "auth.keys:write");
      const revoked = found(await apiKeys.revoke(key.id, { reason, by: context.requireUser().userId }), "API key");
      await caughtUp();
      return { apiKey: await present(revoked) };
    },
  };
}

type ApiKeyInit = MessageInitShape<typeof ApiKeySchema>;

/** One's own keys, unless one came with a key that was not granted it; others' (or all: undefined) with the permission. */
function mayManage(caller: Principal, userId: string | undefined, permission: string): boolean {
  if (grants(caller, permission)) return true;
  if (userId !== caller.userId) return false;
  return caller.apiKey === undefined || caller.apiKey.scopes.includes(permission);
}

/** A key makes no key that may do more than itself. */
function requireOwnScopes(caller: Principal, scopes: readonly string[]): void {
  const own = caller.apiKey?.scopes ?? [];
  if (scopes.length > 0 && scopes.every((scope) => own.includes(scope))) return;
  throw invalidArgument({ field: "scopes", description: "a key can pass on its own scopes only, and has to name them" });
}

function toMessage(key: ApiKeyRecord, user: UserRecord | undefined, now: Date): ApiKeyInit {
  return {
    id: key.id,
    name: key.name,
    type: key.type,
    user: { id: BigInt(key.userId), username: user?.username ?? "" },
    status: apiKeyStatus(key, now),
    totalRequests: BigInt(key.totalRequests),
    createdAt: timestampFromDate(key.createdAt),
    revokedReason: key.revokedReason ?? "",
    description: key.description,
    scopes: [...key.scopes],
    ...(key.lastUsedAt && { lastUsedAt: timestampFromDate(key.lastUsedAt) }),
    ...(key.expiresAt && { expiresAt: timestampFromDate(key.expiresAt) }),
    ...(key.revokedAt && { revokedAt: timestampFromDate(key.revokedAt) }),
  };
}

function check(request: CreateApiKeyRequest, now: Date): void {
  const violations: FieldViolation[] = [];
  const { name, type, description, scopes, expiresAt } = request;
  if (name.trim() === "" || name.length > 100) {
    violations.push({ field: "name", description: "1 to 100 characters" });
  }
  if (type !== "" && !keyTypes.includes(type)) {
    violations.push({ field: "type", description: `one of ${keyTypes.join(", ")}` });
  }
  if (description.length > 500) violations.push({ field: "description", description: "at most 500 characters" });
  if (scopes.length > 100 || scopes.some((scope) => !/^[\x21-\x2b\x2d-\x7e]{1,100}$/.test(scope))) {
    violations.push({ field: "scopes", description: "at most 100, each of 1 to 100 visible ASCII characters, no comma" });
  }
  if (expiresAt !== undefined && timestampDate(expiresAt) <= now) {
    violations.push({ field: "expires_at", description: "has passed already" });
  }
  const [first, ...rest] = violations;
  if (first !== undefined) throw invalidArgument(first, ...rest);
}

async function namesChecked<T>(creation: Promise<T>): Promise<T> {
  try {
    return await creation;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    throw invalidArgument({ field: error.field === "userId" ? "user_id" : error.field, description: error.message });
  }
}

function positionOf(token: readonly string[] | undefined): { createdAt: Date; id: string } | undefined {
  const [createdAt, id] = token ?? [];
  if (createdAt === undefined || id === undefined) return undefined;
  const at = new Date(createdAt);
  if (Number.isNaN(at.getTime())) throw invalidArgument({ field: "page_token", description: "not a token of this list" });
  return { createdAt: at, id };
}

function statusOf(status: string): ApiKeyStatus | undefined {
  if (status === "") return undefined;
  const known = statuses.find((candidate) => candidate === status);
  if (known === undefined) throw invalidArgument({ field: "status", description: `one of ${statuses.join(", ")}` });
  return known;
}
