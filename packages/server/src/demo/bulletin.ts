/** Hands each post to every reader that is there. A reader that falls behind loses the oldest posts, not memory. */
export class Bulletin<T> {
  readonly #readers = new Set<(item: T) => void>();

  post(item: T): void {
    for (const deliver of this.#readers) deliver(item);
  }

  /** What is posted from now on, until the signal is aborted or the reader stops. */
  async *#stream(queue: T[], wake: { now: () => void }, signal: AbortSignal): AsyncGenerator<T> {
    while (!signal.aborted) {
      const item = queue.shift();
      if (item !== undefined) yield item;
      else await new Promise<void>((resolve) => (wake.now = resolve));
    }
  }

  read(signal: AbortSignal): AsyncIterable<T> {
    const queue: T[] = [];
    const wake = { now: () => {} };
    const deliver = (item: T): void => {
      queue.push(item);
      if (queue.length > 1000) queue.shift();
      wake.now();
    };
    this.#readers.add(deliver);
    signal.addEventListener("abort", () => {
      this.#readers.delete(deliver);
      wake.now();
    });
    return this.#stream(queue, wake, signal);
  }
}
