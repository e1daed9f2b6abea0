/** Something that is done from time to time. */
export interface Regularly {
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

/** Does it at once, and then so often, never twice at a time. Its timer keeps no process alive. */
export function regularly(
  everyMs: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Regularly {
  let running: Promise<unknown> = Promise.resolve();
  const turn = (): void => {
    running = running.then(work).catch(onError);
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
