import { whenAborted } from "./when-aborted.ts";

/** What messages pass through, on their way to a handler or from it. */
export interface Passage {
  /** Aborted with an error that ends the stream. */
  readonly ended: AbortSignal;
  /** What the other side is told of a failure. */
  readonly toError: (thrown: unknown) => unknown;
  /** Runs what makes the messages where it belongs. */
  readonly run: <R>(work: () => R) => R;
  /** Hears of each message. */
  readonly onMessage: () => void;
}

/** The same messages, until the stream is ended: whoever waits for the next one hears of it at once. */
export function passing<T>(messages: AsyncIterable<T>, passage: Passage): AsyncIterable<T> {
  const { ended, toError, run, onMessage } = passage;
  return {
    [Symbol.asyncIterator]() {
      const iterator = run(() => messages[Symbol.asyncIterator]());
      const leave = (): Promise<IteratorResult<T>> => run(() => leaveQuietly(iterator));
      ended.addEventListener("abort", () => void leave(), { once: true });
      return {
        async next() {
          try {
            const next = await unlessEnded(
              ended,
              run(() => iterator.next()),
            );
            if (next.done !== true) onMessage();
            return next;
          } catch (thrown) {
            throw toError(thrown);
          }
        },
        return: leave,
        async throw() {
          return leave();
        },
      };
    },
  };
}

/** What a promise gives, unless the end comes first. */
export function unlessEnded<T>(ended: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(ended.reason);
    whenAborted(ended, end);
    promise.then(resolve, reject).finally(() => ended.removeEventListener("abort", end));
  });
}

/** Nobody is left who could be told of what fails now. */
async function leaveQuietly<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  try {
    await iterator.return?.();
  } catch {}
  return { done: true, value: undefined };
}
