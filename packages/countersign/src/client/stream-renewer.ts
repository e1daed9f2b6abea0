import { ClientError, clientStatus } from "./client-error.ts";
import type { Credential } from "./credential.ts";
import { renewable } from "./refusal.ts";

/**
 * Asks the server that has the stream to let it go on: `AuthService.RenewStream`, with the header of a credential, and with the
 * stream's id in `x-countersign-stream` as well, for balancers. Rejects with a `ClientError`.
 */
export type RenewStream = (streamId: string, header: readonly [name: string, value: string]) => Promise<void>;

/** Where a stream says what it is called; its renewals say it too, so that a balancer can send them to the same node. */
export const streamHeader = "x-countersign-stream";

/** A renewal that failed is tried again after so long, then after twice as long, up to the longest. */
const firstPauseMs = 100;
const longestPauseMs = 5000;
/** `setTimeout` takes 31 bits of milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** The name of a new stream: 144 bits that nobody can guess. */
export function newStreamId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

/**
 * Keeps an open stream's credential fresh, until it is stopped. The server ends a stream that could not be renewed when its
 * token ends; it may have to be asked more than once, where several nodes stand behind one address that does not go by
 * `x-countersign-stream`.
 */
export class StreamRenewer {
  readonly #id: string;
  readonly #credential: Credential;
  readonly #renew: RenewStream;
  #shown: string;
  #pauseMs = firstPauseMs;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** `shown`: the value that the stream began with. */
  constructor(id: string, shown: string, { credential, renew }: StreamRenewerOptions) {
    this.#id = id;
    this.#credential = credential;
    this.#renew = renew;
    this.#shown = shown;
    this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #plan(): void {
    const due = this.#credential.dueInMs?.() ?? Number.POSITIVE_INFINITY;
    if (due !== Number.POSITIVE_INFINITY) this.#later(due);
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    const far = ms > longestTimer;
    const then = far ? () => this.#later(ms - longestTimer) : () => void this.#work();
    this.#timer = setTimeout(then, Math.max(far ? longestTimer : ms, 0));
    // An open stream's connection keeps a process alive, not this. A browser's timer is a number.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #work(): Promise<void> {
    let value: string | undefined;
    try {
      value = await this.#credential.another(this.#shown);
      // There will never be another one.
      if (this.#stopped || value === undefined) return;
      await this.#renew(this.#id, [this.#credential.header, value]);
      this.#shown = value;
      this.#pauseMs = firstPauseMs;
      this.#plan();
    } catch (error) {
      if (isFinal(error)) return;
      // The server wants yet another one.
      if (value !== undefined && isStale(error)) this.#shown = value;
      this.#later(this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    }
  }
}

export interface StreamRenewerOptions {
  readonly credential: Credential;
  readonly renew: RenewStream;
}

/** Nobody is logged in any more, or the server knows nothing of renewals. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ClientError) || isStale(error)) return false;
  return error.code === clientStatus.UNAUTHENTICATED || error.code === clientStatus.UNIMPLEMENTED;
}

function isStale(error: unknown): boolean {
  return error instanceof ClientError && renewable.has(error.reason);
}
