import { status } from "@grpc/grpc-js";
import type { RevocationEvent, Revocations } from "../core/revocation.ts";
import type { RoleDefinition } from "../core/role.ts";
import { RevocationService, type WatchRevocationsResponse } from "../gen/auth/v1/revocations_pb.ts";
import { revocationOf, roleDefinitionsOf } from "../service/revocation-message.ts";
import { Backoff } from "./backoff.ts";
import { type Connection, RemoteUnavailable } from "./connection.ts";

export interface RemoteWatchOptions {
  /** A new connection. */
  readonly connect: () => Connection;
  /** What is fed. Suspended until the server's log is known. */
  readonly view: Revocations;
  /** Takes all roles, before the view hears that they changed. A throw is a server that cannot be used. */
  readonly takeRoles: (roles: readonly RoleDefinition[]) => void;
  readonly staleAfterMs: number;
  /** Hears of each attempt that failed. */
  readonly onError: (error: Error) => void;
  /** Milliseconds on a clock that nobody sets. */
  readonly elapsed: () => number;
}

/**
 * - `connecting`: nothing was ever known.
 * - `following`: what is revoked is known, as of a moment ago.
 * - `cut-off`: what is known is getting old, or too old to be used.
 */
export type RemoteState = "connecting" | "following" | "cut-off";

const connectMs = 1500;
/** A heartbeat comes each second. */
const silentMs = 3000;
/** How much older than that of a moment ago knowledge may be: a heartbeat, and the server's own poll. */
const toleranceMs = 3000;
/** A stream is opened anew, because the two clocks drift, and because another node may have less to do. */
const renewMs = 600_000;
const longestPauseMs = 3000;
const lookEveryMs = 250;
const pruneEveryMs = 30_000;
/** No later attempt will go better until somebody changes something. */
const final: readonly (number | undefined)[] = [
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
];

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Follows a server's revocation log over one stream at a time, and comes back to it. */
export class RemoteWatch {
  readonly #options: RemoteWatchOptions;
  readonly #backoff = new Backoff(longestPauseMs);
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Set<Waiting>();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  /** The number up to which everything was told; undefined before that, and within a snapshot. */
  #applied: number | undefined;
  /** As of when that was the whole log. */
  #knownAt = Number.NEGATIVE_INFINITY;
  #known = false;
  #following = false;
  #failure: Error | undefined;
  #closed = false;
  /** Ends what the loop waits for. */
  #wake: () => void = () => {};
  #prunedAt: number;

  constructor(options: RemoteWatchOptions) {
    this.#options = options;
    this.#prunedAt = options.elapsed();
    options.view.suspend();
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref();
    this.#running = this.#run();
  }

  get state(): RemoteState {
    if (!this.#known) return "connecting";
    return this.#following && this.#age() <= toleranceMs ? "following" : "cut-off";
  }

  /** The connection to ask. Throws `RemoteUnavailable` while there is none. */
  connection(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    throw new RemoteUnavailable("not connected to the server", undefined, { cause: this.#failure });
  }

  /** Resolves when the log is known. Rejects if the server refuses to tell it, or if that takes too long. */
  ready(timeoutMs: number): Promise<void> {
    if (this.#known) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (outcome: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        outcome();
      };
      const waiting: Waiting = {
        resolve: () => end(resolve),
        reject: (error) => end(() => reject(error)),
      };
      const silent = `the server has not answered within ${timeoutMs} ms`;
      const timer = setTimeout(
        () => waiting.reject(this.#failure ?? new RemoteUnavailable(silent)),
        timeoutMs,
      );
      this.#waiting.add(waiting);
      if (isFinal(this.#failure)) waiting.reject(this.#failure);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#wake();
    await this.#running;
    this.#options.view.suspend();
    for (const { reject } of [...this.#waiting]) reject(new RemoteUnavailable("closed"));
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#attempt();
      } catch (error) {
        this.#failed(error as Error);
      }
      if (!this.#closed) await this.#pause(this.#backoff.next());
    }
  }

  async #attempt(): Promise<void> {
    const connection = this.#options.connect();
    this.#connection = connection;
    this.#wake = () => connection.close();
    try {
      await connection.ready(connectMs);
      while (!this.#closed) await this.#session(connection);
    } finally {
      this.#connection = undefined;
      connection.close();
    }
  }

  /** One stream. Resolves when it is time for another one; rejects when it has failed. */
  #session(connection: Connection): Promise<void> {
    const { elapsed } = this.#options;
    const openedAt = elapsed();
    let heardAt = openedAt;
    return new Promise<void>((resolve, reject) => {
      const request = this.#applied === undefined ? {} : { afterSequence: BigInt(this.#applied) };
      const leave = connection.follow(RevocationService.method.watchRevocations, request, {
        message(message) {
          heardAt = elapsed();
          take(message);
        },
        ended: (error) => end(error),
      });
      const take = (message: WatchRevocationsResponse): void => {
        try {
          this.#take(message, openedAt);
        } catch (error) {
          end(error as Error);
        }
      };
      const look = (): void => {
        if (elapsed() - heardAt > silentMs) end(new RemoteUnavailable("the server is silent"));
        else if (elapsed() - openedAt > renewMs && this.#applied !== undefined) end();
      };
      const timer = setInterval(look, lookEveryMs).unref();
      const end = (error?: Error): void => {
        clearInterval(timer);
        leave();
        this.#following = false;
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#wake = () => end();
    });
  }

  #take(message: WatchRevocationsResponse, openedAt: number): void {
    const { view, takeRoles } = this.#options;
    const { restart, roles, revocations, sequence, knownMs } = message;
    if (restart) {
      this.#applied = undefined;
      view.flush();
    }
    if (roles !== undefined) takeRoles(roleDefinitionsOf(roles));
    const events = revocations.map(revocationOf).filter((event) => event !== undefined);
    const [first, ...more] = events;
    if (first !== undefined) view.apply(first, ...(more as RevocationEvent[]));
    // Of a newer server: what it is about is not known, so everything may be.
    if (events.length < revocations.length) view.flush();
    if (sequence === undefined) return;
    // Once more at the end of a snapshot: a change of an account that was asked for before it is not among its entries.
    if (this.#applied === undefined) view.flush();
    this.#applied = Number(sequence);
    if (knownMs !== undefined) this.#confirm(openedAt + Number(knownMs));
  }

  /** The server began to answer after it was called: this is never too late. */
  #confirm(knownAt: number): void {
    this.#knownAt = Math.max(this.#knownAt, knownAt);
    if (this.#age() > this.#options.staleAfterMs + toleranceMs) return;
    this.#following = true;
    this.#known = true;
    this.#failure = undefined;
    this.#backoff.reset();
    this.#options.view.resume();
    for (const { resolve } of [...this.#waiting]) resolve();
  }

  #failed(error: Error): void {
    this.#following = false;
    this.#failure = error;
    this.#look();
    this.#options.onError(error);
    if (isFinal(error)) for (const { reject } of [...this.#waiting]) reject(error);
  }

  /** What nobody has confirmed for too long is not used. */
  #look(): void {
    const { view, staleAfterMs, elapsed } = this.#options;
    const longest = this.#following ? staleAfterMs + toleranceMs : staleAfterMs;
    if (this.#age() > longest) view.suspend();
    if (elapsed() - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = elapsed();
    view.prune(Date.now() / 1000);
  }

  #age(): number {
    return this.#options.elapsed() - this.#knownAt;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function isFinal(error: Error | undefined): error is RemoteUnavailable {
  return error instanceof RemoteUnavailable && final.includes(error.code);
}
