import type { LogEvent } from "kysely";
import type { StoreObserver } from "../observation.ts";
import { outcomeOf } from "./observed-backend.ts";

/** What Kysely is told so that an observer hears of each statement. */
export function observedReads(
  observe: StoreObserver | undefined,
): { readonly log: (event: LogEvent) => void } | Record<string, never> {
  if (observe === undefined) return {};
  return {
    log: (event) => {
      const outcome = event.level === "error" ? outcomeOf(event.error) : "ok";
      observe({ kind: "read", milliseconds: event.queryDurationMillis, outcome });
    },
  };
}
