/** Has something stopped with the rest. */
export type AtEnd = (stop: () => unknown) => void;

/**
 * Starts several things that belong together. The last to start is the first to stop, and all are told to, whatever one of them
 * says. They stop too when `start` fails: what goes on would keep the process of a test that has failed.
 */
export async function allOrNone<T extends object>(
  start: (atEnd: AtEnd) => Promise<T>,
): Promise<T & { readonly close: () => Promise<void> }> {
  const stops: (() => unknown)[] = [];
  async function close(): Promise<void> {
    const failed: unknown[] = [];
    for (const stop of stops.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw new AggregateError(failed, "something could not be stopped");
  }
  try {
    return { ...(await start((stop) => stops.push(stop))), close };
  } catch (error) {
    // Why it could not start is what counts.
    await close().catch(() => {});
    throw error;
  }
}
