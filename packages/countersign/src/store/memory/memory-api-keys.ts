import type { RevocationEvent } from "../../core/revocation.ts";
import { apiKeyChanged, apiKeyCreated } from "../api-key-audit.ts";
import { type ApiKeyRow, makerRevoked, newApiKeyRow, toApiKeyRecord } from "../api-key-row.ts";
import { apiKeyStatus } from "../api-key-status.ts";
import {
  type ApiKeyQuery,
  type ApiKeyRecord,
  type ApiKeyStore,
  type ApiKeyUsage,
  Conflict,
  type NewApiKey,
} from "../contracts.ts";
import { newestFirst } from "../newest-first.ts";
import { pageLimit } from "../page-limit.ts";
import { keyNames, noSuchRole } from "../role-row.ts";
import { requireStorableText } from "../storable-text.ts";
import { noSuchUser } from "../user-conflict.ts";
import type { MemoryAudit } from "./memory-audit.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";
import type { OwnedByUsers } from "./memory-users.ts";

export interface MemoryApiKeysOptions {
  readonly now: () => number;
  readonly revocations: MemoryRevocationLog;
  readonly audit: MemoryAudit;
  readonly users: { has(id: string): boolean };
}

export class MemoryApiKeys implements ApiKeyStore, OwnedByUsers {
  readonly #options: MemoryApiKeysOptions;
  readonly #rows = new Map<string, ApiKeyRow>();

  #isRole: (name: string) => boolean = () => false;

  constructor(options: MemoryApiKeysOptions) {
    this.#options = options;
  }

  /** Keys need roles and roles need keys: called once, before anything else. */
  takeRoles(isRole: (name: string) => boolean): void {
    this.#isRole = isRole;
  }

  /** Whether a key that is not revoked is limited to the role. */
  isLimitedTo(role: string): boolean {
    return [...this.#rows.values()].some((row) => row.revoked_at === null && keyNames(row.roles, role));
  }

  async create(key: NewApiKey): Promise<ApiKeyRecord> {
    const row = newApiKeyRow(key, this.#options.now());
    if (!this.#options.users.has(row.user_id)) throw noSuchUser();
    const missing = key.roles?.find((role) => !this.#isRole(role));
    if (missing !== undefined) throw noSuchRole("roles", missing);
    if (this.#rows.has(row.id)) throw new Conflict("id", "this id is in use");
    if (row.made_by !== null && this.#rows.get(row.made_by)?.revoked_at !== null) throw makerRevoked();
    for (const other of this.#unrevokedOf(row.user_id)) {
      if (other.name === row.name) throw new Conflict("name", "another key of this user has this name");
    }
    this.#options.audit.appendNow(apiKeyCreated(row));
    this.#rows.set(row.id, row);
    return toApiKeyRecord(row);
  }

  load(id: string): ApiKeyRecord | undefined {
    const row = this.#rows.get(id);
    return row && toApiKeyRecord(row);
  }

  async list({ limit, after, userId, status, madeBy, now }: ApiKeyQuery): Promise<readonly ApiKeyRecord[]> {
    const position = after && { created_at: after.createdAt.getTime(), id: after.id };
    return [...this.#rows.values()]
      .filter((row) => userId === undefined || row.user_id === userId)
      .filter((row) => madeBy === undefined || row.made_by === madeBy)
      .filter((row) => position === undefined || newestFirst(position, row) < 0)
      .sort(newestFirst)
      .map(toApiKeyRecord)
      .filter((key) => status === undefined || apiKeyStatus(key, now) === status)
      .slice(0, pageLimit(limit));
  }

  async revoke(id: string, why: { reason: string; by: string }): Promise<ApiKeyRecord | undefined> {
    requireStorableText("reason", why.reason);
    requireStorableText("by", why.by);
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    if (row.revoked_at !== null) return toApiKeyRecord(row);
    const after = this.#revoked(row, why);
    this.#options.audit.appendNow(apiKeyChanged(row, after));
    this.#options.revocations.appendNow([{ kind: "key", keyId: id, state: "revoked" }]);
    return this.#put(after);
  }

  async setDisabled(id: string, disabled: boolean): Promise<ApiKeyRecord | undefined> {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    if (row.revoked_at !== null || disabled === (row.disabled_at !== null)) return toApiKeyRecord(row);
    const after = { ...row, disabled_at: disabled ? this.#options.now() : null };
    this.#options.audit.appendNow(apiKeyChanged(row, after));
    this.#options.revocations.appendNow([{ kind: "key", keyId: id, state: "changed" }]);
    return this.#put(after);
  }

  async addUsage(usage: readonly ApiKeyUsage[]): Promise<void> {
    for (const { id, calls, lastUsedAt } of usage) {
      const row = this.#rows.get(id);
      if (row === undefined) continue;
      const last_used_at = Math.max(row.last_used_at ?? 0, lastUsedAt.getTime());
      this.#put({ ...row, total_requests: row.total_requests + calls, last_used_at });
    }
  }

  userDeleted(userId: string): readonly RevocationEvent[] {
    const rows = this.#unrevokedOf(userId);
    for (const row of rows) this.#put(this.#revoked(row, { reason: "user deleted", by: "system" }));
    return rows.map(({ id }) => ({ kind: "key", keyId: id, state: "revoked" }));
  }

  #unrevokedOf(userId: string): ApiKeyRow[] {
    return [...this.#rows.values()].filter((row) => row.user_id === userId && row.revoked_at === null);
  }

  #revoked(row: ApiKeyRow, { reason, by }: { reason: string; by: string }): ApiKeyRow {
    return { ...row, revoked_at: this.#options.now(), revoked_reason: reason, revoked_by: by };
  }

  #put(row: ApiKeyRow): ApiKeyRecord {
    this.#rows.set(row.id, row);
    return toApiKeyRecord(row);
  }
}
