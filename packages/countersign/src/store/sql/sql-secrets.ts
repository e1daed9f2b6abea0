import { sql, type Transaction } from "kysely";
import { pageLimit } from "../page-limit.ts";
import type {
  PepperUse,
  Redigested,
  Resealed,
  SealedQuery,
  SealedSecret,
  SecretMark,
  SecretStore,
} from "../secret-contracts.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** In the order in which they are listed. */
const kinds: readonly SealedSecret["kind"][] = ["signing-key", "import", "totp"];

export class SqlSecrets implements SecretStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async sealed({ limit: wanted, after }: SealedQuery): Promise<readonly SealedSecret[]> {
    const limit = pageLimit(wanted);
    const found: SealedSecret[] = [];
    const start = after === undefined ? 0 : kinds.indexOf(after.kind);
    for (const kind of kinds.slice(start)) {
      const since = kind === after?.kind ? after.id : undefined;
      const left = limit - found.length;
      if (left > 0) found.push(...(await this.#sealedOf(kind, left, since)));
    }
    return found;
  }

  async reseal(changes: readonly Resealed[], audit?: AuditEntry): Promise<number> {
    return this.#backend.write(async (trx) => {
      let count = 0;
      for (const change of changes) count += await resealOne(trx, change);
      if (audit !== undefined) await appendAudit(trx, audit, this.#now());
      return count;
    });
  }

  /** From one id to the next by the index: a `distinct` would look at every key. */
  async pepperIds(): Promise<readonly string[]> {
    const { rows } = await sql<{ id: string }>`with recursive ids(id) as (
        select min(pepper_id) from api_keys where revoked_at is null
        union all
        select (select min(pepper_id) from api_keys where revoked_at is null and pepper_id > ids.id)
        from ids where ids.id is not null
      ) select id from ids where id is not null`.execute(this.#backend.reader);
    return rows.map(({ id }) => id);
  }

  async pepperUse(now: Date): Promise<readonly PepperUse[]> {
    const rows = await this.#backend.reader
      .selectFrom("api_keys")
      .select(({ fn }) => ["pepper_id as id", fn.countAll().as("keys")])
      .where("revoked_at", "is", null)
      .where((eb) => {
        const end = eb.fn.coalesce("grace_ends_at", "expires_at");
        return eb.or([eb(end, "is", null), eb(end, ">", now.getTime())]);
      })
      // An imported key that was not used yet is under none.
      .where(sql<number>`length(digest)`, ">", 0)
      .groupBy("pepper_id")
      .orderBy("pepper_id")
      .execute();
    return rows.map(({ id, keys }) => ({ id, keys: Number(keys) }));
  }

  async redigest(changes: readonly Redigested[]): Promise<number> {
    if (changes.length === 0) return 0;
    return this.#backend.write(async (trx) => {
      let count = 0;
      for (const { id, from, to } of changes) {
        const { numUpdatedRows } = await trx
          .updateTable("api_keys")
          .set({ digest: Uint8Array.from(to.digest), pepper_id: to.pepperId })
          .where("id", "=", id)
          .where("pepper_id", "=", from.pepperId)
          .where("digest", "=", Uint8Array.from(from.digest))
          .executeTakeFirst();
        count += Number(numUpdatedRows);
      }
      return count;
    });
  }

  async marks(): Promise<readonly SecretMark[]> {
    const rows = await this.#backend.reader.selectFrom("secret_marks").selectAll().orderBy("name").execute();
    return rows.map(({ name, mark, since }) => ({
      name,
      mark: new Uint8Array(mark),
      since: new Date(Number(since)),
    }));
  }

  async mark(name: string, bytes: Uint8Array): Promise<void> {
    requireStorableText("name", name);
    const mark = Uint8Array.from(bytes);
    await this.#backend.write(async (trx) => {
      const known = await trx
        .selectFrom("secret_marks")
        .select("mark")
        .where("name", "=", name)
        .executeTakeFirst();
      if (known !== undefined && Buffer.compare(known.mark, mark) === 0) return;
      await trx.deleteFrom("secret_marks").where("name", "=", name).execute();
      await trx.insertInto("secret_marks").values({ name, mark, since: this.#now() }).execute();
    });
  }

  async unmark(names: readonly string[], audit?: AuditEntry): Promise<void> {
    await this.#backend.write(async (trx) => {
      if (names.length > 0)
        await trx
          .deleteFrom("secret_marks")
          .where("name", "in", [...names])
          .execute();
      if (audit !== undefined) await appendAudit(trx, audit, this.#now());
    });
  }

  #sealedOf(
    kind: SealedSecret["kind"],
    limit: number,
    after: string | undefined,
  ): Promise<readonly SealedSecret[]> {
    if (kind === "totp") return this.#sealedTotp(limit, after);
    return kind === "import" ? this.#sealedImports(limit, after) : this.#sealedKeys(limit, after);
  }

  async #sealedImports(limit: number, after = ""): Promise<readonly SealedSecret[]> {
    const rows = await this.#backend.reader
      .selectFrom("import_secrets")
      .selectAll()
      .where("id", ">", after)
      .orderBy("id")
      .limit(limit)
      .execute();
    return rows.map(({ id, sealed }) => ({
      kind: "import",
      id,
      algorithm: undefined,
      sealed: new Uint8Array(sealed),
    }));
  }

  async #sealedKeys(limit: number, after = ""): Promise<readonly SealedSecret[]> {
    const rows = await this.#backend.reader
      .selectFrom("signing_keys")
      .select(["kid", "algorithm", "sealed_key"])
      .where("kid", ">", after)
      .orderBy("kid")
      .limit(limit)
      .execute();
    return rows.map(({ kid: id, algorithm, sealed_key }) => ({
      kind: "signing-key",
      id,
      algorithm,
      sealed: new Uint8Array(sealed_key),
    }));
  }

  async #sealedTotp(limit: number, after = "0"): Promise<readonly SealedSecret[]> {
    const rows = await this.#backend.reader
      .selectFrom("totp")
      .select(["sealed_secret", sql<string>`cast(user_id as text)`.as("id")])
      .where("totp.user_id", ">", BigInt(after))
      .orderBy("totp.user_id")
      .limit(limit)
      .execute();
    return rows.map(({ id, sealed_secret }) => ({
      kind: "totp",
      id,
      algorithm: undefined,
      sealed: new Uint8Array(sealed_secret),
    }));
  }
}

async function resealOne(trx: Transaction<SqlSchema>, { kind, id, from, to }: Resealed): Promise<number> {
  const [before, after] = [Uint8Array.from(from), Uint8Array.from(to)];
  if (kind === "import") {
    const { numUpdatedRows } = await trx
      .updateTable("import_secrets")
      .set({ sealed: after })
      .where("id", "=", id)
      .where("sealed", "=", before)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }
  const update =
    kind === "totp"
      ? trx
          .updateTable("totp")
          .set({ sealed_secret: after })
          .where("user_id", "=", BigInt(id))
          .where("sealed_secret", "=", before)
      : trx
          .updateTable("signing_keys")
          .set({ sealed_key: after })
          .where("kid", "=", id)
          .where("sealed_key", "=", before);
  const { numUpdatedRows } = await update.executeTakeFirst();
  return Number(numUpdatedRows);
}
