import type { Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { type Regularly, regularly } from "./regularly.ts";
import { usageKept } from "./stored-keys.ts";

const everyMs = 10 * 60_000;

/** Sessions that are over can be looked at for a week. */
const keepSessionsSeconds = 7 * 86_400;

/** Removes, every ten minutes, what nobody will ask for again. */
export function startUpkeep(
  store: Store,
  config: Pick<Config, "auth">,
  onError: (error: unknown) => void,
): Regularly {
  return regularly(everyMs, () => removeOldRows(store, config), onError);
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
