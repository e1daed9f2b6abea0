import { sql, type Transaction } from "kysely";
import type { NewSigningKey, SigningKeyRecord, SigningKeyStore } from "../session-contracts.ts";
import {
  extendKey,
  keyRemoved,
  needsSuccessor,
  newSigningKeyRow,
  removeKey,
  requireFreeKid,
  requireLifetime,
  retireKey,
  type SigningKeyRow,
  signingKeyCreated,
  signingKeyRemoved,
  signingKeyRetired,
  toSigningKeyRecord,
} from "../signing-key-row.ts";
import { requireStorableText } from "../storable-text.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import type { SqlSchema } from "./sql-schema.ts";

type Trx = Transaction<SqlSchema>;

interface Succession {
  /** The new key. */
  readonly row: SigningKeyRow;
  /** Those whose place it takes. */
  readonly rows: readonly SigningKeyRow[];
  readonly by: string;
}

export class SqlSigningKeys implements SigningKeyStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async createFirst(key: NewSigningKey, by: string): Promise<SigningKeyRecord | undefined> {
    requireStorableText("by", by);
    const row = newSigningKeyRow(key, this.#now());
    return this.#backend.write(async (trx) => {
      const rows = await allKeys(trx);
      requireFreeKid(rows, row.kid);
      if (rows.some(({ retired_at }) => retired_at === null)) return undefined;
      return this.#insert(trx, row, by);
    });
  }

  async rotate(key: NewSigningKey, others: "retire" | "remove", by: string): Promise<SigningKeyRecord> {
    requireStorableText("by", by);
    const row = newSigningKeyRow(key, this.#now());
    return this.#backend.write(async (trx) => {
      const rows = await allKeys(trx);
      requireFreeKid(rows, row.kid);
      if (others === "retire") return this.#succeed(trx, { row, rows, by });
      for (const other of rows) await this.#remove(trx, other, by);
      return this.#insert(trx, row, by);
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

  async remove(kid: string, successor: NewSigningKey, by: string): Promise<SigningKeyRecord | undefined> {
    requireStorableText("by", by);
    const next = newSigningKeyRow(successor, this.#now());
    return this.#backend.write(async (trx) => {
      const rows = await allKeys(trx);
      requireFreeKid(rows, next.kid);
      const row = rows.find((candidate) => candidate.kid === kid);
      if (row === undefined) return undefined;
      const removed = await this.#remove(trx, row, by);
      if (needsSuccessor(rows, kid, this.#now())) {
        const others = rows.filter((other) => other !== row);
        await this.#succeed(trx, { row: next, rows: others, by });
      }
      return toSigningKeyRecord(removed);
    });
  }

  async extend(kid: string, lifetimeSeconds: number): Promise<boolean> {
    requireLifetime(lifetimeSeconds);
    return this.#backend.write(async (trx) => {
      const row = (await allKeys(trx)).find((candidate) => candidate.kid === kid);
      const edit = row && extendKey(row, lifetimeSeconds, this.#now());
      if (edit === undefined) return false;
      // Asked for each token; written down when one is to live longer than all before.
      if (edit.lifetime_seconds === Number(row?.lifetime_seconds)) return true;
      await trx.updateTable("signing_keys").set(edit).where("kid", "=", kid).execute();
      return true;
    });
  }

  async #insert(trx: Trx, row: SigningKeyRow, by: string): Promise<SigningKeyRecord> {
    await trx.insertInto("signing_keys").values(row).execute();
    await appendAudit(trx, signingKeyCreated(row, by), row.created_at);
    return toSigningKeyRecord(row);
  }

  async #succeed(trx: Trx, { row, rows, by }: Succession): Promise<SigningKeyRecord> {
    for (const other of rows) {
      const edit = retireKey(other, row.active_from);
      if (edit === undefined) continue;
      await trx.updateTable("signing_keys").set(edit).where("kid", "=", other.kid).execute();
      await appendAudit(trx, signingKeyRetired(other.kid, edit, by), this.#now());
    }
    return this.#insert(trx, row, by);
  }

  async #remove(trx: Trx, row: SigningKeyRow, by: string): Promise<SigningKeyRow> {
    const now = this.#now();
    const edit = removeKey(row, now);
    if (edit === undefined) return row;
    await trx.updateTable("signing_keys").set(edit).where("kid", "=", row.kid).execute();
    await appendRevocations(trx, [keyRemoved(row, now)], now);
    await appendAudit(trx, signingKeyRemoved(row.kid, by), now);
    return { ...row, ...edit };
  }
}

/** Also those that are gone: few, and their kids are taken for ever. */
function allKeys(trx: Trx): Promise<readonly SigningKeyRow[]> {
  return trx.selectFrom("signing_keys").selectAll().execute();
}
