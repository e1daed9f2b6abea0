import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { permissionProblem } from "../core/permission.ts";
import { beyond } from "../core/permission-set.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { isRoleName } from "../core/role.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type {
  ApiKeySchema,
  ApiKeyService,
  CreateApiKeyRequest,
  GetApiKeyRequest,
  ListApiKeysRequest,
  RevokeApiKeyRequest,
} from "../gen/auth/v1/api_keys_pb.ts";
import type { KeyDigests } from "../keys/key-digest.ts";
import { type ApiKeyFormat, generateApiKey } from "../keys/key-format.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";
import {
  type ApiKeyRecord,
  type ApiKeyStatus,
  Conflict,
  type Store,
  type UserRecord,
} from "../store/contracts.ts";
import { madeKeysOf, mayManageKeys as mayManage, requireKeyRank, revokeMadeKeys } from "./made-keys.ts";
import { found, pageOf, pageSize, readTimePosition } from "./page.ts";
import { requireRank } from "./rank.ts";
import { requireReason } from "./reason.ts";
import { tenantToList, visibleTo } from "./tenancy.ts";

export interface ApiKeyServiceOptions {
  readonly store: Pick<Store, "apiKeys" | "users">;
  /** What the roles of accounts and keys stand for. */
  readonly roles: RoleDirectory;
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
  return new ApiKeyServiceHandlers(options);
}

class ApiKeyServiceHandlers implements ServiceHandlers<typeof ApiKeyService> {
  readonly #options: ApiKeyServiceOptions;
  readonly #now: () => Date;

  constructor(options: ApiKeyServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  async createApiKey(request: CreateApiKeyRequest, context: CallContext) {
    const { store, digests, environment, format, roles } = this.#options;
    const caller = context.requireUser();
    const userId = request.userId === undefined ? caller.userId : String(request.userId);
    if (!mayManage(caller, userId, "auth.keys:write")) {
      context.abortPermissionDenied("Permission 'auth.keys:write' required");
    }
    check(request, this.#now());
    const user = visibleTo(caller, await store.users.load(userId));
    if (user === undefined) throw invalidArgument({ field: "user_id", description: "no such user" });
    await this.#options.caughtUp();
    // For oneself a limited key may do less than its owner: what it passes on is looked at below.
    if (user.id !== caller.userId) requireRank(caller, user, roles);
    const maker = caller.apiKey && (await store.apiKeys.load(caller.apiKey.id));
    if (caller.apiKey !== undefined) {
      requireOwnLimits(caller, request, roles);
      requireOwnLifetime(maker, request.expiresAt);
    }
    const { key, id, body } = generateApiKey(environment, format);
    const record = await namesChecked(
      store.apiKeys.create({
        ...digests.digest(body),
        id,
        name: request.name,
        description: request.description,
        type: request.type === "" ? "service" : request.type,
        userId,
        scopes: request.scopes,
        roles: [...new Set(request.roles)],
        expiresAt: request.expiresAt === undefined ? undefined : timestampDate(request.expiresAt),
        madeBy: maker?.id,
      }),
    );
    return { apiKey: toMessage(record, user, this.#now()), key };
  }

  async listApiKeys(request: ListApiKeysRequest, context: CallContext) {
    const limit = pageSize(request.pageSize);
    const rows = await this.#options.store.apiKeys.list({
      limit: limit + 1,
      after: readTimePosition(request.pageToken),
      userId: ownerToList(request, context),
      tenantId: tenantToList(context.requireUser()),
      status: statusOf(request.status),
      now: this.#now(),
    });
    const page = pageOf(rows, limit, (key) => [key.createdAt.toISOString(), key.id]);
    const apiKeys = await Promise.all(page.rows.map((key) => this.#present(key)));
    return { apiKeys, nextPageToken: page.nextPageToken };
  }

  async getApiKey({ id }: GetApiKeyRequest, context: CallContext) {
    return { apiKey: await this.#present(await this.#reachable(id, context, "auth.keys:read")) };
  }

  async revokeApiKey({ id, reason, withMadeKeys }: RevokeApiKeyRequest, context: CallContext) {
    requireReason(reason);
    const { store, roles, caughtUp } = this.#options;
    const revocation = {
      keys: store.apiKeys,
      users: store.users,
      roles,
      caller: context.requireUser(),
      reason,
    };
    const key = await this.#reachable(id, context, "auth.keys:write");
    await requireKeyRank(revocation, key);
    const revoked = found(
      await store.apiKeys.revoke(key.id, { reason, by: revocation.caller.userId }),
      "API key",
    );
    const { revokedKeys, madeKeys } = withMadeKeys
      ? await revokeMadeKeys(revocation, key.id)
      : { revokedKeys: [], madeKeys: await madeKeysOf(store.apiKeys, key.id) };
    await caughtUp();
    return { apiKey: await this.#present(revoked), madeKeys: madeKeys.map((one) => one.id), revokedKeys };
  }

  async #present(key: ApiKeyRecord): Promise<ApiKeyInit> {
    return toMessage(key, await this.#options.store.users.load(key.userId), this.#now());
  }

  /** A key that the caller may see or change; what it may not is as good as absent. */
  async #reachable(id: string, context: CallContext, permission: string): Promise<ApiKeyRecord> {
    const caller = context.requireUser();
    const key = visibleTo(caller, await this.#options.store.apiKeys.load(id));
    return found(key !== undefined && mayManage(caller, key.userId, permission) ? key : undefined, "API key");
  }
}

/** Whose keys a caller asks for and may see; undefined for everyone's. */
function ownerToList(request: ListApiKeysRequest, context: CallContext): string | undefined {
  const caller = context.requireUser();
  if (request.userId === undefined && mayManage(caller, undefined, "auth.keys:read")) return undefined;
  const userId = request.userId === undefined ? caller.userId : String(request.userId);
  if (mayManage(caller, userId, "auth.keys:read")) return userId;
  return context.abortPermissionDenied("Permission 'auth.keys:read' required");
}

type ApiKeyInit = MessageInitShape<typeof ApiKeySchema>;

/** What a key has to name to pass as staff or superuser; no pattern stands for it. */
const flags = ["staff", "superuser"];

/** A key makes no key that may do more than itself, now or when a role changes. */
function requireOwnLimits(
  caller: Principal,
  { scopes, roles }: Pick<CreateApiKeyRequest, "scopes" | "roles">,
  directory: RoleDirectory,
): void {
  const own = { scopes: caller.apiKey?.scopes ?? [], roles: caller.apiKey?.roles ?? [] };
  const granted =
    scopes.length + roles.length > 0 &&
    roles.every((role) => own.roles.includes(role)) &&
    flags.every((flag) => !scopes.includes(flag) || own.scopes.includes(flag)) &&
    beyond(own.scopes, scopes) === undefined &&
    beyond(caller.apiKey?.limits ?? own.scopes, directory.permissionsOf(roles, scopes)) === undefined;
  if (granted) return;
  throw invalidArgument({
    field: "scopes",
    description: "a key can pass on its own scopes and roles only, and has to name them",
  });
}

/** Nor one that lives longer. */
function requireOwnLifetime(
  own: ApiKeyRecord | undefined,
  expiresAt: CreateApiKeyRequest["expiresAt"],
): void {
  if (own?.expiresAt === undefined) return;
  if (expiresAt !== undefined && timestampDate(expiresAt) <= own.expiresAt) return;
  throw invalidArgument({
    field: "expires_at",
    description: "a key makes no key that lives longer than itself",
  });
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
    madeBy: key.madeBy ?? "",
    roles: [...key.roles],
    ...(key.lastUsedAt && { lastUsedAt: timestampFromDate(key.lastUsedAt) }),
    ...(key.expiresAt && { expiresAt: timestampFromDate(key.expiresAt) }),
    ...(key.revokedAt && { revokedAt: timestampFromDate(key.revokedAt) }),
  };
}

function check(request: CreateApiKeyRequest, now: Date): void {
  const violations: FieldViolation[] = [];
  const { name, type, description, scopes, roles, expiresAt } = request;
  if (name.trim() === "" || name.length > 100) {
    violations.push({ field: "name", description: "1 to 100 characters" });
  }
  if (type !== "" && !keyTypes.includes(type)) {
    violations.push({ field: "type", description: `one of ${keyTypes.join(", ")}` });
  }
  if (description.length > 500)
    violations.push({ field: "description", description: "at most 500 characters" });
  if (scopes.length > 100) violations.push({ field: "scopes", description: "at most 100" });
  const scope = scopes.map(permissionProblem).find((problem) => problem !== undefined);
  if (scope !== undefined) violations.push({ field: "scopes", description: scope });
  if (roles.length > 100 || !roles.every(isRoleName)) {
    violations.push({ field: "roles", description: "at most 100 names of roles" });
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
    // Revoked since it was let in.
    if (error.field === "madeBy") throw new Refusal("API_KEY_REVOKED");
    throw invalidArgument({
      field: error.field === "userId" ? "user_id" : error.field,
      description: error.message,
    });
  }
}

function statusOf(status: string): ApiKeyStatus | undefined {
  if (status === "") return undefined;
  const known = statuses.find((candidate) => candidate === status);
  if (known === undefined)
    throw invalidArgument({ field: "status", description: `one of ${statuses.join(", ")}` });
  return known;
}
