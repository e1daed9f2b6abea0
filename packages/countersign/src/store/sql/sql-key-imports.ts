import { type Kysely, sql, type Transaction } from "kysely";
import type { ApiKeyRecord } from "../api-key-contracts.ts";
import { toApiKeyRecord } from "../api-key-row.ts";
import { Conflict } from "../contracts.ts";
import { hashTaken, prefixTaken } from "../key-import-conflict.ts";
import type {
  ImportedKey,
  KeyImportMarks,
  KeyImportProgress,
  KeyImportState,
  KeyImportStore,
  NewKeyImport,
} from "../key-import-contracts.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { insertKey, keyById } from "./sql-key-rows.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import type { SqlSchema } from "./sql-schema.ts";
import { ofTenant } from "./tenant-filter.ts";

export class SqlKeyImports implements KeyImportStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async state(): Promise<KeyImportState> {
    const counts = await this.#counts();
    const secrets = await this.#backend.reader
      .selectFrom("import_secrets")
      .selectAll()
      .orderBy("id")
      .execute();
    return {
      algorithms: Object.fromEntries(counts),
      secrets: secrets.map(({ id, sealed }) => ({ id, sealed: Uint8Array.from(sealed) })),
    };
  }

  async progress(tenantId?: string): Promise<KeyImportProgress> {
    const counts = await this.#counts(tenantId);
    const imported = counts.reduce((sum, [, count]) => sum + count, 0);
    return { imported, seen: new Map(counts).get("countersign") ?? 0 };
  }

  async algorithmsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#backend.reader
      .selectFrom("imported_keys")
      .select(["key_id", "algorithm"])
      .where("key_id", "in", [...ids])
      .execute();
    return new Map(rows.map(({ key_id, algorithm }) => [key_id, algorithm]));
  }

  async known(fingerprints: readonly Uint8Array[]): Promise<ReadonlyMap<string, string>> {
    if (fingerprints.length === 0) return new Map();
    const rows = await this.#backend.reader
      .selectFrom("imported_keys")
      .select(["key_id", "fingerprint"])
      .where("fingerprint", "in", [...fingerprints])
      .execute();
    return new Map(rows.map(({ key_id, fingerprint }) => [Buffer.from(fingerprint).toString("hex"), key_id]));
  }

  async requireNew(marks: KeyImportMarks): Promise<void> {
    await requireNew(this.#backend.reader, marks);
  }

  async addSecret(id: string, sealed: Uint8Array): Promise<void> {
    await this.#backend.write((trx) =>
      trx
        .insertInto("import_secrets")
        .values({ id, sealed: Uint8Array.from(sealed) })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .execute(),
    );
  }

  async add(imported: NewKeyImport): Promise<ApiKeyRecord> {
    const { key, fingerprint, algorithm, lookup, prefix, hash, secretId } = imported;
    if (parseUserId(key.userId) === undefined) throw noSuchUser();
    for (const [field, text] of Object.entries({ prefix, hash })) requireStorableText(field, text);
    return this.#backend.write(async (trx) => {
      const now = this.#now();
      await requireNew(trx, imported);
      await requireSecret(trx, secretId);
      const row = await insertKey(trx, { ...key, digest: new Uint8Array() }, { now, action: "key.imported" });
      await trx
        .insertInto("imported_keys")
        .values({
          key_id: row.id,
          fingerprint: Uint8Array.from(fingerprint),
          algorithm,
          lookup: lookup === undefined ? null : Uint8Array.from(lookup),
          prefix: prefix ?? null,
          hash: hash ?? null,
          secret_id: secretId ?? null,
          imported_at: now,
          first_used_at: null,
        })
        .execute();
      // Nodes that know of no imported keys hear of them.
      await appendRevocations(trx, [{ kind: "key", keyId: row.id, state: "changed" }], now);
      return toApiKeyRecord(row);
    });
  }

  async find(lookups: readonly Uint8Array[], prefixes: readonly string[]): Promise<ImportedKey | undefined> {
    const imports = this.#backend.reader.selectFrom("imported_keys").selectAll();
    const found =
      (lookups.length === 0
        ? undefined
        : await imports.where("lookup", "in", [...lookups]).executeTakeFirst()) ??
      (prefixes.length === 0
        ? undefined
        : await imports.where("prefix", "in", [...prefixes]).executeTakeFirst());
    const row = found && (await keyById(this.#backend.reader, found.key_id).executeTakeFirst());
    if (found === undefined || row === undefined) return undefined;
    return {
      record: toApiKeyRecord(row),
      algorithm: found.algorithm,
      secretId: found.secret_id ?? undefined,
      lookup: found.lookup === null ? undefined : Uint8Array.from(found.lookup),
      hash: found.hash ?? undefined,
    };
  }

  async settle(id: string, own: { readonly digest: Uint8Array; readonly pepperId: string }): Promise<void> {
    const digest = Uint8Array.from(own.digest);
    await this.#backend.write(async (trx) => {
      await trx
        .updateTable("imported_keys")
        .set((eb) => ({
          algorithm: "countersign",
          lookup: digest,
          prefix: null,
          hash: null,
          secret_id: null,
          first_used_at: eb.fn.coalesce("first_used_at", eb.val(this.#now())),
        }))
        .where("key_id", "=", id)
        .execute();
      await trx
        .updateTable("api_keys")
        .set({ digest, pepper_id: own.pepperId })
        .where("id", "=", id)
        .execute();
    });
  }

  async #counts(tenantId?: string): Promise<readonly (readonly [string, number])[]> {
    if (!isStorableText(tenantId ?? "")) return [];
    let imported = this.#backend.reader.selectFrom("imported_keys");
    if (tenantId !== undefined)
      imported = imported.where(
        "key_id",
        "in",
        this.#backend.reader
          .selectFrom("api_keys")
          .select("id")
          .where((eb) => ofTenant(eb, tenantId)),
      );
    const rows = await imported
      .select(({ fn }) => ["algorithm", fn.countAll<number>().as("count")])
      .groupBy("algorithm")
      .orderBy("algorithm")
      .execute();
    return rows.map(({ algorithm, count }) => [algorithm, Number(count)]);
  }
}

async function requireSecret(trx: Transaction<SqlSchema>, secretId: string | undefined): Promise<void> {
  if (secretId === undefined) return;
  const secret = await trx
    .selectFrom("import_secrets")
    .select("id")
    .where("id", "=", secretId)
    .executeTakeFirst();
  if (secret === undefined) throw new Conflict("secretId", "no such secret");
}

async function requireNew(
  db: Kysely<SqlSchema>,
  { fingerprint, lookup, prefix }: KeyImportMarks,
): Promise<void> {
  const same = await db
    .selectFrom("imported_keys")
    .select("key_id")
    .where((eb) =>
      eb.or([
        eb("fingerprint", "=", Uint8Array.from(fingerprint)),
        ...(lookup === undefined ? [] : [eb("lookup", "=", Uint8Array.from(lookup))]),
      ]),
    )
    .executeTakeFirst();
  if (same !== undefined) throw hashTaken();
  if (prefix === undefined) return;
  const beginnings = Array.from({ length: prefix.length }, (_, at) => prefix.slice(0, at + 1));
  const overlapping = await db
    .selectFrom("imported_keys")
    .select("key_id")
    .where((eb) =>
      eb.or([
        eb("prefix", "in", beginnings),
        // Whatever begins with it stands between it and the next text of its length.
        eb.and([
          eb("prefix", ">", prefix),
          eb(sql`substr(prefix, 1, ${sql.lit(prefix.length)})`, "=", prefix),
        ]),
      ]),
    )
    .executeTakeFirst();
  if (overlapping !== undefined) throw prefixTaken();
}
