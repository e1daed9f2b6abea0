import { sql, type Transaction } from "kysely";
import {
  admitGuess,
  type Guesses,
  guessesExpireAt,
  identityDigest,
  requireAttemptRule,
} from "../attempt-window.ts";
import { countLogin, requireStreak } from "../login-guard.ts";
import type { AttemptRule, AttemptStore, AttemptVerdict, PasswordStreak } from "../session-contracts.ts";
import { isStorableText } from "../storable-text.ts";
import { parseUserId } from "../user-id.ts";
import { knowsNetwork, pruneNetworks } from "./known-networks.ts";
import { pruneTable } from "./prune-table.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

export class SqlAttempts implements AttemptStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async begin(identity: string, rule: AttemptRule): Promise<AttemptVerdict> {
    requireAttemptRule(rule);
    const { streak } = rule;
    if (streak !== undefined) requireStreak(streak);
    const digest = identityDigest(identity);
    return this.#backend.write(async (trx) => {
      const row = await trx
        .selectFrom("login_attempts")
        .select("guesses")
        .where("identity", "=", digest)
        .executeTakeFirst();
      const known = row === undefined ? [] : (JSON.parse(row.guesses) as Guesses);
      const admission = admitGuess(known, rule);
      if (!admission.ok) return admission;
      const { guesses } = admission;
      const columns = { guesses: JSON.stringify(guesses), expires_at: guessesExpireAt(guesses, rule) };
      await trx
        .insertInto("login_attempts")
        .values({ identity: digest, ...columns })
        .onConflict((conflict) => conflict.column("identity").doUpdateSet(columns))
        .execute();
      const locked = streak === undefined ? false : await this.#countLogin(trx, streak);
      return { ok: true, locked };
    });
  }

  /** Returns whether the account is locked for this one. */
  async #countLogin(trx: Transaction<SqlSchema>, streak: PasswordStreak): Promise<boolean> {
    const key = parseUserId(streak.userId);
    if (key === undefined) return false;
    const row = await trx
      .selectFrom("users")
      .select(["password_failures", "password_locked_at"])
      .where("id", "=", key)
      .executeTakeFirst();
    if (row === undefined) return false;
    const { locked, edit, audit } = countLogin(row, streak, this.#now());
    if (edit !== undefined) await trx.updateTable("users").set(edit).where("id", "=", key).execute();
    if (audit !== undefined) await appendAudit(trx, audit, this.#now());
    return locked;
  }

  async clear(identity: string): Promise<void> {
    await this.#backend.write((trx) =>
      trx.deleteFrom("login_attempts").where("identity", "=", identityDigest(identity)).execute(),
    );
  }

  async takeBack(identity: string): Promise<void> {
    const digest = identityDigest(identity);
    await this.#backend.write(async (trx) => {
      const row = await trx
        .selectFrom("login_attempts")
        .select("guesses")
        .where("identity", "=", digest)
        .executeTakeFirst();
      if (row === undefined) return;
      const guesses = JSON.stringify((JSON.parse(row.guesses) as Guesses).slice(0, -1));
      await trx.updateTable("login_attempts").set({ guesses }).where("identity", "=", digest).execute();
    });
  }

  async knows(userId: string, network: string, now: Date): Promise<boolean> {
    const key = parseUserId(userId);
    if (key === undefined || !isStorableText(network)) return false;
    return knowsNetwork(this.#backend, { userId: key, network, now: now.getTime() });
  }

  async prune(now: Date): Promise<void> {
    await pruneNetworks(this.#backend, now.getTime());
    const isSpent = sql<boolean>`expires_at <= ${now.getTime()}`;
    await pruneTable(this.#backend, { table: "login_attempts", key: "identity", isSpent });
  }
}
