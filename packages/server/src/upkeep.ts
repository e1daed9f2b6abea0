import type { Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { usageKept } from "./stored-keys.ts";

/** Removes, from time to time, what nobody will ask for again. */
export interface Upkeep {
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

const everyMs = 10 * 60_000;

/** Sessions that are over can be looked at for a week. */
const keepSessionsSeconds = 7 * 86_400;

/** Starts at once, and goes on every ten minutes. Its timer keeps no process alive. */
export function startUpkeep(
  store: Store,
  config: Pick<Config, "auth">,
  onError: (error: unknown) => void,
): Upkeep {
  let running: Promise<void> = Promise.resolve();
  const turn = (): void => {
    running = running.then(() => removeOldRows(store, config)).catch(onError);
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

/** Counted guesses and calls whose window has passed, sessions that have been over for long, and old counts of usage. */
export async function removeOldRows(
  store: Store,
  config: Pick<Config, "auth">,
  now = new Date(),
): Promise<void> {
  await store.attempts.prune(now);
  await store.sessions.prune(now, keepSessionsSeconds);
  await store.limits.prune();
  await store.apiKeys.prune(usageKept(config, now));
}
