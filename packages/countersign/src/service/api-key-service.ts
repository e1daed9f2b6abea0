import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type {
  ApiKeyService,
  CreateApiKeyRequest,
  DisableApiKeyRequest,
  EnableApiKeyRequest,
  EndApiKeyGraceRequest,
  GetApiKeyImportRequest,
  GetApiKeyRequest,
  GetApiKeyUsageRequest,
  ImportApiKeysRequest,
  ListApiKeyFindingsRequest,
  ListApiKeysRequest,
  ReportLeakedApiKeysRequest,
  RevokeApiKeyRequest,
  RevokeApiKeysRequest,
  RotateApiKeyRequest,
  UpdateApiKeyRequest,
} from "../gen/auth/v1/api_keys_pb.ts";
import { type ApiKeyServiceOptions, KeyDesk, ownerToList } from "./key-desk.ts";
import { importKeys } from "./key-import.ts";
import { readFindings, readTrends, readUsage } from "./key-insight.ts";
import { keyOrderOf, keyPosition, readKeyPosition } from "./key-order.ts";
import { requireOwnLifetime, requireOwnLimits } from "./key-rank.ts";
import {
  fieldViolations,
  limitsOf,
  namesChecked,
  requireNone,
  requireUnrevoked,
  statusOf,
  typeOf,
} from "./key-request.ts";
import { revokeOne, revokeSome } from "./key-revocation.ts";
import { endGrace, rotateKey } from "./key-rotation.ts";
import { updateKey } from "./key-update.ts";
import { reportLeaked } from "./leaked-keys.ts";
import { mayManageKeys } from "./made-keys.ts";
import { found, idsToList, pageOf, pageSize } from "./page.ts";
import { requireRank } from "./rank.ts";
import { readAll } from "./read-all.ts";
import { tenantToList, visibleTo } from "./tenancy.ts";

export type { ApiKeyServiceOptions } from "./key-desk.ts";

/** `auth.v1.ApiKeyService`: callers manage their own keys; those of others need `auth.keys:read` or `auth.keys:write`. */
export function createApiKeyService(options: ApiKeyServiceOptions): ServiceHandlers<typeof ApiKeyService> {
  return new ApiKeyServiceHandlers(options);
}

class ApiKeyServiceHandlers implements ServiceHandlers<typeof ApiKeyService> {
  readonly #desk: KeyDesk;

  constructor(options: ApiKeyServiceOptions) {
    this.#desk = new KeyDesk(options);
  }

  async createApiKey(request: CreateApiKeyRequest, context: CallContext) {
    const { store, roles, caughtUp } = this.#desk.options;
    const caller = context.requireUser();
    const userId = request.userId === undefined ? caller.userId : String(request.userId);
    if (!mayManageKeys(caller, userId, "auth.keys:write"))
      context.abortPermissionDenied("Permission 'auth.keys:write' required");
    const violations = fieldViolations(request, this.#desk.now());
    const user = visibleTo(caller, await store.users.load(userId));
    if (user === undefined) violations.push({ field: "user_id", description: "no such user" });
    requireNone(violations);
    const owner = found(user, "user");
    await caughtUp();
    // For oneself a limited key may do less than its owner: what it passes on is looked at below.
    if (owner.id !== caller.userId) requireRank(caller, owner, roles);
    const limits = limitsOf(request);
    const rank = await this.#desk.rankOf(caller);
    requireOwnLimits(limits, rank);
    requireOwnLifetime(rank.own, request.expiresAt);
    const { made, answer } = this.#desk.issue(request.link);
    const record = await namesChecked(
      store.apiKeys.create({
        ...made,
        ...limits,
        name: request.name,
        description: request.description,
        type: request.type === "" ? "service" : request.type,
        userId,
        tags: [...new Set(request.tags)],
        expiresAt: request.expiresAt === undefined ? undefined : timestampDate(request.expiresAt),
        madeBy: rank.own?.id,
        createdBy: caller.userId,
      }),
    );
    return { apiKey: await this.#desk.show(record), ...answer };
  }

  async listApiKeys(request: ListApiKeysRequest, context: CallContext) {
    const { tag, text, expiringBefore, unusedSince } = request;
    const { limit, order, ids, status, type } = readAll({
      limit: () => pageSize(request.pageSize),
      order: () => keyOrderOf(request.sort),
      ids: () => idsToList(request.ids),
      status: () => statusOf(request.status),
      type: () => typeOf(request.type),
    });
    const rows = await this.#desk.options.store.apiKeys.list({
      limit: limit + 1,
      sort: order,
      after: readKeyPosition(request.pageToken, order),
      ids,
      userId: ownerToList(request, context),
      tenantId: tenantToList(context.requireUser()),
      status,
      type,
      tag: tag === "" ? undefined : tag,
      text: text === "" ? undefined : text,
      expiringBefore: expiringBefore && timestampDate(expiringBefore),
      unusedSince: unusedSince && timestampDate(unusedSince),
      now: this.#desk.now(),
    });
    const page = pageOf(rows, limit, (key) => keyPosition(key, order));
    return {
      apiKeys: await this.#desk.showAll(page.rows),
      nextPageToken: page.nextPageToken,
      trends: await readTrends(
        this.#desk,
        page.rows.map(({ id }) => id),
        request.usageDays,
      ),
    };
  }

  async getApiKey({ id }: GetApiKeyRequest, context: CallContext) {
    const key = await this.#desk.reach(id, context.requireUser(), "auth.keys:read");
    const previous = await this.#desk.previousOf(key);
    const networks = await this.#desk.options.store.apiKeys.networks(key.id);
    return {
      apiKey: await this.#desk.show(key),
      ...(previous && { previous }),
      networks: networks.map(({ network, lastUsedAt }) => ({
        network,
        lastUsedAt: timestampFromDate(lastUsedAt),
      })),
    };
  }

  updateApiKey(request: UpdateApiKeyRequest, context: CallContext) {
    return updateKey(this.#desk, request, context);
  }

  revokeApiKey(request: RevokeApiKeyRequest, context: CallContext) {
    return revokeOne(this.#desk, request, context);
  }

  revokeApiKeys(request: RevokeApiKeysRequest, context: CallContext) {
    return revokeSome(this.#desk, request, context);
  }

  rotateApiKey(request: RotateApiKeyRequest, context: CallContext) {
    return rotateKey(this.#desk, request, context);
  }

  endApiKeyGrace(request: EndApiKeyGraceRequest, context: CallContext) {
    return endGrace(this.#desk, request, context);
  }

  disableApiKey({ id }: DisableApiKeyRequest, context: CallContext) {
    return this.#setDisabled(id, true, context);
  }

  enableApiKey({ id }: EnableApiKeyRequest, context: CallContext) {
    return this.#setDisabled(id, false, context);
  }

  getApiKeyUsage(request: GetApiKeyUsageRequest, context: CallContext) {
    return readUsage(this.#desk, request, context);
  }

  listApiKeyFindings(request: ListApiKeyFindingsRequest, context: CallContext) {
    return readFindings(this.#desk, request, context);
  }

  importApiKeys(request: ImportApiKeysRequest, context: CallContext) {
    return importKeys(this.#desk, request, context);
  }

  async getApiKeyImport(_request: GetApiKeyImportRequest, context: CallContext) {
    const { keyImports } = this.#desk.options.store;
    const { imported, seen } = await keyImports.progress(tenantToList(context.requireUser()));
    return { imported: BigInt(imported), seen: BigInt(seen) };
  }

  reportLeakedApiKeys(request: ReportLeakedApiKeysRequest, context: CallContext) {
    return reportLeaked(this.#desk, request, context);
  }

  async #setDisabled(id: string, disabled: boolean, context: CallContext) {
    const { store, caughtUp } = this.#desk.options;
    const caller = context.requireUser();
    const key = await this.#desk.command(id, caller);
    requireUnrevoked(key, this.#desk.now());
    const changed = found(await store.apiKeys.setDisabled(key.id, disabled, caller.userId), "API key");
    // It may have been revoked since.
    requireUnrevoked(changed, this.#desk.now());
    await caughtUp();
    return { apiKey: await this.#desk.show(changed) };
  }
}
