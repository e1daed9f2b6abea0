import type { RevocationEvent } from "../../core/revocation.ts";
import { keyChanged, keyCreated, keyRevealed } from "../api-key-audit.ts";
import { editOf, isRevoked, revocationOf, rotationOf } from "../api-key-change.ts";
import type {
  ApiKeyPatch,
  ApiKeyQuery,
  ApiKeyRecord,
  ApiKeyRotation,
  ApiKeyStore,
  ApiKeyTraces,
  ApiKeyUsage,
  KeyWhy,
  NewApiKey,
  NewKeyLink,
  Reveal,
  SeenNetwork,
  UsageCount,
  UsageFlush,
  UsageOfKeysQuery,
  UsageQuery,
} from "../api-key-contracts.ts";
import { isListed } from "../api-key-filter.ts";
import { compareKeys, newestKeysFirst } from "../api-key-order.ts";
import {
  type ApiKeyRow,
  idTaken,
  makerRevoked,
  nameTaken,
  newApiKeyRow,
  toApiKeyRecord,
} from "../api-key-row.ts";
import { pageLimit } from "../page-limit.ts";
import { keyNames, noSuchRole } from "../role-row.ts";
import type { PepperUse, Redigested } from "../secret-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import { keepFlushesMs, keepLinksMs } from "../usage-period.ts";
import { noSuchUser } from "../user-conflict.ts";
import type { MemoryAudit } from "./memory-audit.ts";
import { MemoryKeyUsage } from "./memory-key-usage.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";
import type { OwnedByUsers } from "./memory-users.ts";
import { rowsToList } from "./rows-to-list.ts";

export interface MemoryApiKeysOptions {
  readonly now: () => number;
  readonly revocations: MemoryRevocationLog;
  readonly audit: MemoryAudit;
  readonly users: { tenantOf(id: string): string | null | undefined };
}

interface Link extends Omit<NewKeyLink, "sealed"> {
  readonly apiKeyId: string;
  readonly sealed: Uint8Array | undefined;
  readonly revealedAt: Date | undefined;
}

export class MemoryApiKeys implements ApiKeyStore, OwnedByUsers {
  readonly #options: MemoryApiKeysOptions;
  readonly #rows = new Map<string, ApiKeyRow>();
  readonly #links = new Map<string, Link>();
  readonly #usage = new MemoryKeyUsage();
  /** The last of each writer. */
  readonly #flushes = new Map<string, { readonly number: number; readonly at: number }>();

  #isRole: (name: string, tenant: string | null) => boolean = () => false;

  constructor(options: MemoryApiKeysOptions) {
    this.#options = options;
  }

  /** Keys need roles and roles need keys: called once, before anything else. */
  takeRoles(isRole: (name: string, tenant: string | null) => boolean): void {
    this.#isRole = isRole;
  }

  /** Whether a key that is not revoked is limited to the role. */
  isLimitedTo(role: string): boolean {
    return [...this.#rows.values()].some((row) => row.revoked_at === null && keyNames(row.roles, role));
  }

  pepperUse(now: number): readonly PepperUse[] {
    const keys = new Map<string, number>();
    for (const { pepper_id: id, digest, revoked_at, expires_at, grace_ends_at } of this.#rows.values()) {
      const end = grace_ends_at ?? expires_at;
      if (revoked_at === null && (end === null || end > now) && digest.length > 0)
        keys.set(id, (keys.get(id) ?? 0) + 1);
    }
    return [...keys].map(([id, count]) => ({ id, keys: count })).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  redigest({ id, from, to }: Redigested): boolean {
    const row = this.#rows.get(id);
    if (row?.pepper_id !== from.pepperId || Buffer.compare(row.digest, from.digest) !== 0) return false;
    this.#rows.set(id, { ...row, digest: Uint8Array.from(to.digest), pepper_id: to.pepperId });
    return true;
  }

  async create(key: NewApiKey): Promise<ApiKeyRecord> {
    return this.createNow(key, "key.created");
  }

  createNow(key: NewApiKey, action: "key.created" | "key.imported"): ApiKeyRecord {
    const tenant = this.#options.users.tenantOf(key.userId);
    const row = newApiKeyRow(key, this.#options.now(), tenant ?? null);
    this.#requireNew(row, key.roles);
    this.#options.audit.appendNow(keyCreated(action, row, key.createdBy));
    this.#keepLink(row.id, key.link);
    return this.#put(row);
  }

  load(id: string): ApiKeyRecord | undefined {
    const row = this.#rows.get(id);
    return row && toApiKeyRecord(row);
  }

  async list(query: ApiKeyQuery): Promise<readonly ApiKeyRecord[]> {
    const { limit, after, ids, sort = newestKeysFirst } = query;
    const compare = compareKeys(sort);
    return rowsToList(this.#rows, ids)
      .filter((row) => isListed(row, query))
      .map(toApiKeyRecord)
      .filter((key) => after === undefined || compare(after, key) < 0)
      .sort(compare)
      .slice(0, pageLimit(limit));
  }

  async update(id: string, patch: ApiKeyPatch, by: string): Promise<ApiKeyRecord | undefined> {
    requireStorableText("by", by);
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    const edit = editOf(row, patch, this.#options.now());
    if (Object.keys(edit).length === 0) return toApiKeyRecord(row);
    const edited = { ...row, ...edit };
    this.#requireRoles(patch.roles, row.tenant);
    this.#requireFreeName(edited);
    this.#options.revocations.appendNow([{ kind: "key", keyId: id, state: "changed" }]);
    this.#options.audit.appendNow(keyChanged("key.updated", { before: row, after: edited }, by));
    return this.#put(edited);
  }

  async rotate(
    id: string,
    rotation: ApiKeyRotation,
  ): Promise<{ created: ApiKeyRecord; previous: ApiKeyRecord } | undefined> {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    const { created, edit } = rotationOf(row, rotation, this.#options.now());
    const previous = { ...row, ...edit };
    this.#requireNew(created, undefined, row.id);
    const state = previous.revoked_at === null ? "changed" : "revoked";
    this.#options.revocations.appendNow([{ kind: "key", keyId: id, state }]);
    const { by } = rotation;
    this.#options.audit.appendNow(keyCreated("key.created", created, by));
    this.#options.audit.appendNow(keyChanged("key.rotated", { before: row, after: previous }, by));
    this.#keepLink(created.id, rotation.link);
    return { created: this.#put(created), previous: this.#put(previous) };
  }

  async revoke(id: string, why: KeyWhy): Promise<ApiKeyRecord | undefined> {
    requireStorableText("reason", why.reason);
    requireStorableText("by", why.by);
    const row = this.#rows.get(id);
    const edit = row && revocationOf(row, why, this.#options.now());
    if (row === undefined || edit === undefined) return row && toApiKeyRecord(row);
    this.#options.revocations.appendNow([{ kind: "key", keyId: id, state: "revoked" }]);
    const after = { ...row, ...edit };
    const details = { reason: why.reason };
    this.#options.audit.appendNow(keyChanged("key.revoked", { before: row, after }, why.by, details));
    return this.#put(after);
  }

  async setDisabled(id: string, disabled: boolean, by?: string): Promise<ApiKeyRecord | undefined> {
    requireStorableText("by", by);
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    const { now, revocations, audit } = this.#options;
    if (isRevoked(row, now()) || disabled === (row.disabled_at !== null)) return toApiKeyRecord(row);
    revocations.appendNow([{ kind: "key", keyId: id, state: "changed" }]);
    const after = { ...row, disabled_at: disabled ? now() : null };
    audit.appendNow(keyChanged(disabled ? "key.disabled" : "key.enabled", { before: row, after }, by));
    return this.#put(after);
  }

  async reveal(digest: Uint8Array, address: string | undefined): Promise<Reveal> {
    const name = Buffer.from(digest).toString("hex");
    const link = this.#links.get(name);
    const row = link && this.#rows.get(link.apiKeyId);
    if (link === undefined || row === undefined) return { kind: "unknown" };
    const { sealed, apiKeyId, expiresAt, revealedAt } = link;
    const now = this.#options.now();
    if (sealed === undefined || expiresAt.getTime() <= now || isRevoked(row, now))
      return { kind: "gone", revealedAt };
    this.#options.audit.appendNow(keyRevealed(row, address));
    this.#links.set(name, { ...link, sealed: undefined, revealedAt: new Date(now) });
    return { kind: "revealed", apiKeyId, sealed };
  }

  async addUsage(usage: readonly ApiKeyUsage[], flush?: UsageFlush): Promise<void> {
    if (flush !== undefined) {
      requireStorableText("writer", flush.writer);
      if (flush.number <= (this.#flushes.get(flush.writer)?.number ?? 0)) return;
      this.#flushes.set(flush.writer, { number: flush.number, at: this.#options.now() });
    }
    for (const one of usage) {
      const row = this.#rows.get(one.id);
      if (row === undefined) continue;
      this.#usage.add(one);
      const at = one.lastUsedAt?.getTime() ?? 0;
      const isLast = at > 0 && at >= (row.last_used_at ?? 0);
      const from = {
        last_used_at: at,
        last_used_address: one.lastUsedAddress ?? row.last_used_address,
        last_used_agent: one.lastUsedAgent ?? row.last_used_agent,
      };
      this.#put({ ...row, total_requests: row.total_requests + one.calls, ...(isLast && from) });
    }
  }

  async usage(query: UsageQuery): Promise<readonly UsageCount[]> {
    return this.#usage.read(query);
  }

  async usageOf({ ids, ...query }: UsageOfKeysQuery): Promise<ReadonlyMap<string, readonly UsageCount[]>> {
    const counts = ids.map((id) => [id, this.#usage.read({ id, ...query })] as const);
    return new Map(counts.filter(([, found]) => found.length > 0));
  }

  async networks(id: string): Promise<readonly SeenNetwork[]> {
    return this.#usage.networks(id);
  }

  async traces(ids: readonly string[], since: Date): Promise<ReadonlyMap<string, ApiKeyTraces>> {
    const known = ids.filter((id) => this.#rows.has(id));
    return new Map(known.map((id) => [id, this.#usage.traces(id, since)]));
  }

  async prune({ hours, days, now }: { hours: Date; days: Date; now: Date }): Promise<void> {
    this.#usage.prune(hours, days);
    for (const [name, { expiresAt }] of this.#links)
      if (expiresAt.getTime() < now.getTime() - keepLinksMs) this.#links.delete(name);
    for (const [writer, { at }] of this.#flushes)
      if (at < now.getTime() - keepFlushesMs) this.#flushes.delete(writer);
  }

  /** As a part of an import: the first use gives a key a digest of ours. */
  setDigest(id: string, { digest, pepperId }: { digest: Uint8Array; pepperId: string }): void {
    const row = this.#rows.get(id);
    if (row !== undefined) this.#put({ ...row, digest: Uint8Array.from(digest), pepper_id: pepperId });
  }

  userDeleted(userId: string): readonly RevocationEvent[] {
    const why = { reason: "user deleted", by: "system" };
    const rows = [...this.#rows.values()].filter((row) => row.user_id === userId && row.revoked_at === null);
    for (const row of rows)
      this.#put({ ...row, revoked_at: this.#options.now(), revoked_reason: why.reason, revoked_by: why.by });
    return rows.map(({ id }) => ({ kind: "key", keyId: id, state: "revoked" }));
  }

  /** `replaced`: the key that gives up its name. */
  #requireNew(row: ApiKeyRow, roles: readonly string[] | undefined, replaced?: string): void {
    if (this.#options.users.tenantOf(row.user_id) === undefined) throw noSuchUser();
    this.#requireRoles(roles, row.tenant);
    if (this.#rows.has(row.id)) throw idTaken();
    if (row.made_by !== null && this.#rows.get(row.made_by)?.revoked_at !== null) throw makerRevoked();
    this.#requireFreeName(row, replaced);
  }

  #requireRoles(roles: readonly string[] = [], tenant: string | null): void {
    const missing = roles.find((role) => !this.#isRole(role, tenant));
    if (missing !== undefined) throw noSuchRole("roles", missing);
  }

  #requireFreeName(row: ApiKeyRow, replaced?: string): void {
    if (row.replaced_by !== null) return;
    for (const other of this.#rows.values()) {
      if (other.id === row.id || other.id === replaced || other.user_id !== row.user_id) continue;
      if (other.name === row.name && other.revoked_at === null && other.replaced_by === null)
        throw nameTaken();
    }
  }

  #keepLink(apiKeyId: string, link: NewKeyLink | undefined): void {
    if (link === undefined) return;
    const { digest, sealed, expiresAt } = link;
    const kept = { digest, sealed: Uint8Array.from(sealed), expiresAt, apiKeyId, revealedAt: undefined };
    this.#links.set(Buffer.from(digest).toString("hex"), kept);
  }

  #put(row: ApiKeyRow): ApiKeyRecord {
    this.#rows.set(row.id, row);
    return toApiKeyRecord(row);
  }
}
