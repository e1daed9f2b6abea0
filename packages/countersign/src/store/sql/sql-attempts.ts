import { sql } from "kysely";
import {
  admitGuess,
  type Guesses,
  guessesExpireAt,
  identityDigest,
  requireAttemptRule,
} from "../attempt-window.ts";
import type { AttemptRule, AttemptStore, AttemptVerdict } from "../session-contracts.ts";
import { pruneTable } from "./prune-table.ts";
import type { SqlBackend } from "./sql-backend.ts";

export class SqlAttempts implements AttemptStore {
  readonly #backend: SqlBackend;

  constructor(backend: SqlBackend) {
    this.#backend = backend;
  }

  async begin(identity: string, rule: AttemptRule): Promise<AttemptVerdict> {
    requireAttemptRule(rule);
    const digest = identityDigest(identity);
    return this.#backend.write(async (trx) => {
      const row = await trx
        .selectFrom("login_attempts")
        .select("guesses")
        .where("identity", "=", digest)
        .executeTakeFirst();
      const known = row === undefined ? [] : (JSON.parse(row.guesses) as Guesses);
      const { verdict, guesses } = admitGuess(known, rule);
      if (guesses === undefined) return verdict;
      const columns = { guesses: JSON.stringify(guesses), expires_at: guessesExpireAt(guesses, rule) };
      await trx
        .insertInto("login_attempts")
        .values({ identity: digest, ...columns })
        .onConflict((conflict) => conflict.column("identity").doUpdateSet(columns))
        .execute();
      return verdict;
    });
  }

  async clear(identity: string): Promise<void> {
    await this.#backend.write((trx) =>
      trx.deleteFrom("login_attempts").where("identity", "=", identityDigest(identity)).execute(),
    );
  }

  async prune(now: Date): Promise<void> {
    const isSpent = sql<boolean>`expires_at <= ${now.getTime()}`;
    await pruneTable(this.#backend, { table: "login_attempts", key: "identity", isSpent });
  }
}
