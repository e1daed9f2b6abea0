import { sql } from "kysely";
import { Conflict } from "../contracts.ts";
import type { NewSigningKey, SigningKeyRecord, SigningKeyStore } from "../session-contracts.ts";
import {
  newSigningKeyRow,
  type Retirement,
  retireKey,
  signingKeyCreated,
  signingKeyRetired,
  toSigningKeyRecord,
} from "../signing-key-row.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";

export class SqlSigningKeys implements SigningKeyStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async create(key: NewSigningKey, by: string): Promise<SigningKeyRecord> {
    requireStorableText("by", by);
    const row = newSigningKeyRow(key, this.#now());
    return this.#backend.write(async (trx) => {
      const taken = await trx
        .selectFrom("signing_keys")
        .select("kid")
        .where("kid", "=", row.kid)
        .executeTakeFirst();
      if (taken !== undefined) throw new Conflict("kid", "this kid is in use");
      await trx.insertInto("signing_keys").values(row).execute();
      await appendAudit(trx, signingKeyCreated(row, by), row.created_at);
      return toSigningKeyRecord(row);
    });
  }

  async list(now: Date): Promise<readonly SigningKeyRecord[]> {
    const rows = await this.#backend.reader
      .selectFrom("signing_keys")
      .selectAll()
      .where(sql<boolean>`(removed_at is null or removed_at > ${now.getTime()})`)
      .orderBy("created_at")
      .orderBy("kid")
      .execute();
    return rows.map(toSigningKeyRecord);
  }

  async retire(kid: string, at: Retirement, by: string): Promise<SigningKeyRecord | undefined> {
    requireStorableText("by", by);
    if (!isStorableText(kid)) return undefined;
    return this.#backend.write(async (trx) => {
      const row = await trx.selectFrom("signing_keys").selectAll().where("kid", "=", kid).executeTakeFirst();
      const edit = row && retireKey(row, at);
      if (row === undefined || edit === undefined) return row && toSigningKeyRecord(row);
      await trx.updateTable("signing_keys").set(edit).where("kid", "=", kid).execute();
      await appendAudit(trx, signingKeyRetired(kid, edit, by), this.#now());
      return toSigningKeyRecord({ ...row, ...edit });
    });
  }
}
