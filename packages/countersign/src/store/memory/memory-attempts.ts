import {
  admitGuess,
  type Guesses,
  guessesExpireAt,
  identityDigest,
  requireAttemptRule,
} from "../attempt-window.ts";
import { requireStreak } from "../login-guard.ts";
import type { AttemptRule, AttemptStore, AttemptVerdict } from "../session-contracts.ts";
import type { MemoryUsers } from "./memory-users.ts";

/** By digest, so that nothing that was typed stays in memory. */
export class MemoryAttempts implements AttemptStore {
  readonly #users: Pick<MemoryUsers, "countLogin" | "knowsNetwork">;
  readonly #rows = new Map<string, { readonly guesses: Guesses; readonly expiresAt: number }>();

  constructor(users: Pick<MemoryUsers, "countLogin" | "knowsNetwork">) {
    this.#users = users;
  }

  async begin(identity: string, rule: AttemptRule): Promise<AttemptVerdict> {
    requireAttemptRule(rule);
    const { streak } = rule;
    if (streak !== undefined) requireStreak(streak);
    const key = keyOf(identity);
    const admission = admitGuess(this.#rows.get(key)?.guesses ?? [], rule);
    if (!admission.ok) return admission;
    const { guesses } = admission;
    this.#rows.set(key, { guesses, expiresAt: guessesExpireAt(guesses, rule) });
    return { ok: true, locked: streak !== undefined && this.#users.countLogin(streak) };
  }

  async clear(identity: string): Promise<void> {
    this.#rows.delete(keyOf(identity));
  }

  async takeBack(identity: string): Promise<void> {
    const key = keyOf(identity);
    const row = this.#rows.get(key);
    if (row !== undefined) this.#rows.set(key, { ...row, guesses: row.guesses.slice(0, -1) });
  }

  async knows(userId: string, network: string, now: Date): Promise<boolean> {
    return this.#users.knowsNetwork(userId, network, now.getTime());
  }

  async prune(now: Date): Promise<void> {
    for (const [key, { expiresAt }] of this.#rows) if (expiresAt <= now.getTime()) this.#rows.delete(key);
  }
}

function keyOf(identity: string): string {
  return Buffer.from(identityDigest(identity)).toString("base64");
}
