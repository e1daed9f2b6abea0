import { TimedOut } from "./postgres-error.ts";

/** Rejects with `TimedOut` if the work has not settled in time. Infinity: waits for as long as it takes. */
export function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  if (ms === Number.POSITIVE_INFINITY) return work;
  return new Promise<T>((resolve, reject) => {
    // After an event loop that stood still, what has arrived meanwhile is read before anybody is blamed.
    const timer = setTimeout(() => setImmediate(() => reject(new TimedOut(ms))), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
