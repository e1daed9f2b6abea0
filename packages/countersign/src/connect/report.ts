/** Told of what was not meant for a caller. */
export type OnError = (error: unknown, procedure: string) => void;

/** Tells it. A logger that fails changes nothing for the caller, and does not end the process. */
export function report(onError: OnError, thrown: unknown, procedure: string): void {
  try {
    const pending: unknown = onError(thrown, procedure);
    if (pending instanceof Promise) pending.catch(() => {});
  } catch {}
}
