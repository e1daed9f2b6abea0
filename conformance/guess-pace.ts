import { openServerStore } from "./server-store.ts";

const freeGuesses = 2;
const guessesInWindow = 10;
const windowSeconds = 900;

/** So many guesses at one identity may have been looked at, `ms` after the first: after two it waits 1 s, 2 s, 4 s, .... */
export function looksWithin(ms: number): number {
  return freeGuesses + Math.floor(Math.log2(ms / 1000 + 1));
}

/** Puts as many guesses at a user into the store as are looked at in 15 minutes: the next one has to wait for them. */
export async function guessedAt(data: string, userId: string): Promise<void> {
  const store = await openServerStore(data);
  // Nothing has to lie between them here; what the server makes of them is counted from the last.
  const rule = { limit: guessesInWindow, windowSeconds, freeGuesses: guessesInWindow, now: new Date() };
  try {
    while ((await store.attempts.begin(`user:${userId}`, rule)).ok);
  } finally {
    await store.close();
  }
}
