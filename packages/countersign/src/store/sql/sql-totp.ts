import type { Kysely, Transaction } from "kysely";
import type { FirstStep, TotpRecord, TotpStore } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import {
  alreadyConfirmed,
  newTotpRow,
  requireStep,
  type TotpRow,
  toTotpRecord,
  totpAudit,
} from "../totp-row.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { requireUser } from "./require-user.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

export class SqlTotp implements TotpStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async load(userId: string): Promise<TotpRecord | undefined> {
    const key = parseUserId(userId);
    const row = key === undefined ? undefined : await byUser(this.#backend.reader, key).executeTakeFirst();
    return row && toTotpRecord(row);
  }

  async enroll(userId: string, sealedSecret: Uint8Array): Promise<void> {
    const { user_id: _, ...columns } = newTotpRow(userId, sealedSecret);
    const key = parseUserId(userId);
    if (key === undefined) throw noSuchUser();
    await this.#backend.write(async (trx) => {
      await requireUser(trx, key);
      const known = await byUser(trx, key).executeTakeFirst();
      if (known !== undefined && known.confirmed_at !== null) throw alreadyConfirmed();
      await trx
        .insertInto("totp")
        .values({ user_id: key, ...columns })
        .onConflict((conflict) => conflict.column("user_id").doUpdateSet(columns))
        .execute();
    });
  }

  async confirm(
    userId: string,
    { step, sealedSecret }: FirstStep,
    recoveryDigests: readonly Uint8Array[],
  ): Promise<boolean> {
    requireStep(step);
    return this.#write(userId, async (trx, key) => {
      const now = this.#now();
      const { numUpdatedRows } = await trx
        .updateTable("totp")
        .set({ confirmed_at: now, last_step: step })
        .where("user_id", "=", key)
        .where("confirmed_at", "is", null)
        .where("sealed_secret", "=", Uint8Array.from(sealedSecret))
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      const codes = recoveryDigests.map((digest) => ({ user_id: key, digest: Uint8Array.from(digest) }));
      if (codes.length > 0) {
        const insert = trx.insertInto("recovery_codes").values(codes);
        await insert.onConflict((conflict) => conflict.doNothing()).execute();
      }
      await appendAudit(trx, totpAudit("enabled", userId), now);
      return true;
    });
  }

  async useStep(userId: string, step: number): Promise<boolean> {
    requireStep(step);
    return this.#write(userId, async (trx, key) => {
      const { numUpdatedRows } = await trx
        .updateTable("totp")
        .set({ last_step: step })
        .where("user_id", "=", key)
        .where("confirmed_at", "is not", null)
        .where("last_step", "<", step)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  async useRecoveryCode(userId: string, digest: Uint8Array): Promise<boolean> {
    return this.#write(userId, async (trx, key) => {
      const { numDeletedRows } = await trx
        .deleteFrom("recovery_codes")
        .where("user_id", "=", key)
        .where("digest", "=", digest)
        .executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      await appendAudit(trx, totpAudit("recovery_code_used", userId), this.#now());
      return true;
    });
  }

  async disable(userId: string, by: string): Promise<boolean> {
    requireStorableText("by", by);
    return this.#write(userId, async (trx, key) => {
      const { numDeletedRows } = await trx.deleteFrom("totp").where("user_id", "=", key).executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      await trx.deleteFrom("recovery_codes").where("user_id", "=", key).execute();
      await appendAudit(trx, totpAudit("disabled", userId, by), this.#now());
      return true;
    });
  }

  async #write(
    userId: string,
    work: (trx: Transaction<SqlSchema>, key: bigint) => Promise<boolean>,
  ): Promise<boolean> {
    const key = parseUserId(userId);
    return key === undefined ? false : this.#backend.write((trx) => work(trx, key));
  }
}

function byUser(db: Kysely<SqlSchema>, userId: bigint) {
  return db
    .selectFrom("totp")
    .select((eb) => eb.cast<TotpRow["user_id"]>("user_id", "text").as("user_id"))
    .select(["sealed_secret", "confirmed_at", "last_step"])
    .where("totp.user_id", "=", userId);
}
