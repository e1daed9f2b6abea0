/** Pauses between attempts: doubling from 100 ms, each shortened by a random part, so that many do not come at once. */
export class Backoff {
  readonly #longestMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(longestMs: number, random: () => number = Math.random) {
    this.#longestMs = longestMs;
    this.#random = random;
  }

  /** The pause before the next attempt, in milliseconds. */
  next(): number {
    const full = Math.min(100 * 2 ** this.#failures, this.#longestMs);
    this.#failures = Math.min(this.#failures + 1, 30);
    return full * (0.5 + this.#random() / 2);
  }

  /** It worked: the next pause is a short one. */
  reset(): void {
    this.#failures = 0;
  }
}
