import type { Store } from "countersign/store";

/** Removes, from time to time, what nobody will ask for again. */
export interface Upkeep {
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

const everyMs = 10 * 60_000;

/** Sessions that are over can be looked at for a week. */
const keepSessionsSeconds = 7 * 86_400;

/** Starts at once, and goes on every ten minutes. Its timer keeps no process alive. */
export function startUpkeep(store: Store, onError: (error: unknown) => void): Upkeep {
  let running: Promise<void> = Promise.resolve();
  const turn = (): void => {
    running = running.then(() => removeOldRows(store)).catch(onError);
  };
  turn();
  const timer = setInterval(turn, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

/** Counted guesses and calls whose window has passed, and sessions that have been over for long. */
export async function removeOldRows(store: Store, now = new Date()): Promise<void> {
  await store.attempts.prune(now);
  await store.sessions.prune(now, keepSessionsSeconds);
  await store.limits.prune();
}
