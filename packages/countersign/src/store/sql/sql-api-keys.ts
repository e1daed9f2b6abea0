import type { Transaction } from "kysely";
import type { MaybePromise } from "../../core/decision.ts";
import { keyChanged, keyCreated } from "../api-key-audit.ts";
import { type ApiKeyEdit, editOf, isRevoked, revocationOf, rotationOf } from "../api-key-change.ts";
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
  Reveal,
  SeenNetwork,
  UsageCount,
  UsageFlush,
  UsageOfKeysQuery,
  UsageQuery,
} from "../api-key-contracts.ts";
import { type ApiKeyRow, toApiKeyRecord } from "../api-key-row.ts";
import type { AuditEntry } from "../audit-contracts.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { keepLink, pruneLinks, revealLink } from "./sql-key-links.ts";
import { listKeys } from "./sql-key-list.ts";
import { insertKey, insertKeyRow, keyById, requireFreeName, toKeyRecord } from "./sql-key-rows.ts";
import { addKeyUsage, pruneKeyUsage, readKeyNetworks, readKeyTraces, readKeyUsage } from "./sql-key-usage.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import { requireRoles } from "./sql-roles.ts";
import type { SqlSchema } from "./sql-schema.ts";
import { isNewFlush, pruneFlushes } from "./usage-flushes.ts";

/** What a change of a key writes: nothing at all if there are no columns. */
interface Change {
  readonly edit: ApiKeyEdit;
  readonly state: "revoked" | "changed";
  readonly action: Parameters<typeof keyChanged>[0];
  readonly by: string | undefined;
  readonly details?: AuditEntry["details"];
}

export class SqlApiKeys implements ApiKeyStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;
  readonly #firstById: ((id: string) => ApiKeyRow | undefined) | undefined;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
    this.#firstById = backend.prepareFirst?.<ApiKeyRow>(keyById(backend.reader, "").compile().sql);
  }

  async create(key: NewApiKey): Promise<ApiKeyRecord> {
    if (parseUserId(key.userId) === undefined) throw noSuchUser();
    return this.#backend.write(async (trx) => {
      const row = await insertKey(trx, key, { now: this.#now(), action: "key.created" });
      await keepLink(trx, row.id, key.link);
      return toApiKeyRecord(row);
    });
  }

  load(id: string): MaybePromise<ApiKeyRecord | undefined> {
    if (!isStorableText(id)) return undefined;
    if (this.#firstById === undefined)
      return keyById(this.#backend.reader, id).executeTakeFirst().then(toKeyRecord);
    return toKeyRecord(this.#firstById(id));
  }

  list(query: ApiKeyQuery): Promise<readonly ApiKeyRecord[]> {
    return listKeys(this.#backend, query);
  }

  async update(id: string, patch: ApiKeyPatch, by: string): Promise<ApiKeyRecord | undefined> {
    requireStorableText("by", by);
    return this.#change(id, async (row, now, trx) => {
      const edit = editOf(row, patch, now);
      await requireRoles(trx, patch.roles ?? [], row.tenant);
      if (edit.name !== undefined) await requireFreeName(trx, { ...row, ...edit });
      return { edit, state: "changed", action: "key.updated", by };
    });
  }

  async rotate(
    id: string,
    rotation: ApiKeyRotation,
  ): Promise<{ created: ApiKeyRecord; previous: ApiKeyRecord } | undefined> {
    let created: ApiKeyRow | undefined;
    const previous = await this.#change(
      id,
      (row, now) => {
        const rows = rotationOf(row, rotation, now);
        created = rows.created;
        const state = rows.edit.revoked_at === undefined ? "changed" : "revoked";
        return { edit: rows.edit, state, action: "key.rotated", by: rotation.by };
      },
      async (trx) => {
        if (created === undefined) return;
        await insertKeyRow(trx, created);
        await appendAudit(trx, keyCreated("key.created", created, rotation.by), created.created_at);
        await keepLink(trx, created.id, rotation.link);
      },
    );
    return previous && created && { created: toApiKeyRecord(created), previous };
  }

  async revoke(id: string, why: KeyWhy): Promise<ApiKeyRecord | undefined> {
    requireStorableText("reason", why.reason);
    requireStorableText("by", why.by);
    return this.#change(id, (row, now) => {
      const edit = revocationOf(row, why, now) ?? {};
      const details = { reason: why.reason };
      return { edit, state: "revoked", action: "key.revoked", by: why.by, details };
    });
  }

  async setDisabled(id: string, disabled: boolean, by?: string): Promise<ApiKeyRecord | undefined> {
    requireStorableText("by", by);
    return this.#change(id, (row, now) => {
      const same = isRevoked(row, now) || disabled === (row.disabled_at !== null);
      const action = disabled ? "key.disabled" : "key.enabled";
      return { edit: same ? {} : { disabled_at: disabled ? now : null }, state: "changed", action, by };
    });
  }

  reveal(digest: Uint8Array, address: string | undefined): Promise<Reveal> {
    return this.#backend.write((trx) => revealLink(trx, { digest, address, now: this.#now() }));
  }

  async addUsage(usage: readonly ApiKeyUsage[], flush?: UsageFlush): Promise<void> {
    if (flush !== undefined) requireStorableText("writer", flush.writer);
    const known = usage.filter(({ id }) => isStorableText(id));
    if (known.length === 0) return;
    await this.#backend.writeLater(async (trx) => {
      if (flush === undefined || (await isNewFlush(trx, flush, this.#now())))
        await addKeyUsage(trx, this.#backend.words, known);
    });
  }

  async usage({ id, ...query }: UsageQuery): Promise<readonly UsageCount[]> {
    return (await this.usageOf({ ids: [id], ...query })).get(id) ?? [];
  }

  usageOf(query: UsageOfKeysQuery): Promise<ReadonlyMap<string, readonly UsageCount[]>> {
    return readKeyUsage(this.#backend.reader, query);
  }

  networks(id: string): Promise<readonly SeenNetwork[]> {
    return readKeyNetworks(this.#backend.reader, id);
  }

  traces(ids: readonly string[], since: Date): Promise<ReadonlyMap<string, ApiKeyTraces>> {
    return readKeyTraces(this.#backend.reader, ids.filter(isStorableText), since);
  }

  async prune({ hours, days, now }: { hours: Date; days: Date; now: Date }): Promise<void> {
    await pruneKeyUsage(this.#backend, { hours, days });
    await pruneLinks(this.#backend, now);
    await pruneFlushes(this.#backend, now);
  }

  async #change(
    id: string,
    make: (row: ApiKeyRow, now: number, trx: Transaction<SqlSchema>) => Change | Promise<Change>,
    then?: (trx: Transaction<SqlSchema>) => Promise<void>,
  ): Promise<ApiKeyRecord | undefined> {
    if (!isStorableText(id)) return undefined;
    return this.#backend.write(async (trx) => {
      const row = await keyById(trx, id).executeTakeFirst();
      if (row === undefined) return undefined;
      const now = this.#now();
      const { edit, state, action, by, details } = await make(row, now, trx);
      if (Object.keys(edit).length === 0) return toApiKeyRecord(row);
      await trx.updateTable("api_keys").set(edit).where("id", "=", id).execute();
      await then?.(trx);
      await appendRevocations(trx, [{ kind: "key", keyId: id, state }], now);
      const after = { ...row, ...edit };
      await appendAudit(trx, keyChanged(action, { before: row, after }, by, details), now);
      return toApiKeyRecord(after);
    });
  }
}
