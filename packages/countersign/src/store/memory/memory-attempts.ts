import {
  admitGuess,
  type Guesses,
  guessesExpireAt,
  identityDigest,
  requireAttemptRule,
} from "../attempt-window.ts";
import type { AttemptRule, AttemptStore, AttemptVerdict } from "../session-contracts.ts";

/** By digest, so that nothing that was typed stays in memory. */
export class MemoryAttempts implements AttemptStore {
  readonly #rows = new Map<string, { readonly guesses: Guesses; readonly expiresAt: number }>();

  async begin(identity: string, rule: AttemptRule): Promise<AttemptVerdict> {
    requireAttemptRule(rule);
    const key = keyOf(identity);
    const { verdict, guesses } = admitGuess(this.#rows.get(key)?.guesses ?? [], rule);
    if (guesses !== undefined) this.#rows.set(key, { guesses, expiresAt: guessesExpireAt(guesses, rule) });
    return verdict;
  }

  async clear(identity: string): Promise<void> {
    this.#rows.delete(keyOf(identity));
  }

  async prune(now: Date): Promise<void> {
    for (const [key, { expiresAt }] of this.#rows) if (expiresAt <= now.getTime()) this.#rows.delete(key);
  }
}

function keyOf(identity: string): string {
  return Buffer.from(identityDigest(identity)).toString("base64");
}
