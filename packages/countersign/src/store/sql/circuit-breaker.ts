import { StoreUnavailable } from "../contracts.ts";

export interface CircuitBreakerOptions {
  /** Names the database in errors. */
  readonly name: string;
  /** So many failures in a row open it. Default: 2. */
  readonly failures?: number | undefined;
  /** How long it is open before one call may try. Default: 500. */
  readonly retryAfterMs?: number | undefined;
  /** Milliseconds on a clock that nobody sets. Default: `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
}

/**
 * Spares callers the waiting while a database is away. After some failures in a row everything is refused at once, but
 * for one call now and then: the first one that succeeds closes the circuit again. It has no timer of its own: who
 * follows the revocation log asks twice a second anyway.
 */
export class CircuitBreaker {
  readonly #name: string;
  readonly #failures: number;
  readonly #retryAfterMs: number;
  readonly #elapsed: () => number;
  #inARow = 0;
  #retryAt = Number.NEGATIVE_INFINITY;
  #cause: unknown;

  constructor(options: CircuitBreakerOptions) {
    this.#name = options.name;
    this.#failures = options.failures ?? 2;
    this.#retryAfterMs = options.retryAfterMs ?? 500;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** Throws `StoreUnavailable` while the database is taken to be away. For whoever may have to wait before `admit()`. */
  check(): void {
    if (this.#inARow < this.#failures || this.#elapsed() >= this.#retryAt) return;
    const text = `${this.#name}: it was away a moment ago; try again`;
    throw new StoreUnavailable(text, { cause: this.#cause });
  }

  /** Is the database taken to be away? */
  get isOpen(): boolean {
    return this.#inARow >= this.#failures;
  }

  /** As `check()`. Whoever is let through reports how it went; whoever comes meanwhile does not wait for that. */
  admit(): void {
    this.check();
    if (this.#inARow >= this.#failures) this.#retryAt = this.#elapsed() + this.#retryAfterMs;
  }

  /** The database has answered; what it said does not matter. */
  answered(): void {
    this.#inARow = 0;
    this.#cause = undefined;
  }

  /** The database could not be reached, or did not answer in time. */
  failed(cause: unknown): void {
    this.#inARow += 1;
    this.#cause = cause;
    this.#retryAt = this.#elapsed() + this.#retryAfterMs;
  }
}
