import type { ClientError } from "./client-error.ts";

/** The time of one who is logged in: from one login, logout or end of a session to the next. */
export class SessionTurn {
  readonly #end = new AbortController();
  /** Has a logout been asked for? */
  isLeaving = false;
  /** Has the server ended the session? Then all that was ever issued to it is of no use. */
  isClosed = false;

  get isOver(): boolean {
    return this.#end.signal.aborted;
  }

  /** `why`: what whoever still waits for its tokens gets. */
  end(why: ClientError): void {
    this.#end.abort(why);
  }

  /** Throws why it is over. */
  requireOn(): void {
    this.#end.signal.throwIfAborted();
  }

  /** Waits for it, and no longer than the turn goes on. */
  async whileOn<T>(answer: Promise<T>): Promise<T> {
    const { signal } = this.#end;
    signal.throwIfAborted();
    const over = Promise.withResolvers<never>();
    const leave = (): void => over.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([answer, over.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
