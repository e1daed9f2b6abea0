import { setImmediate } from "node:timers/promises";
import type { RevocationEvent, Revocations } from "../core/revocation.ts";
import type { FedRevocations } from "../core/revocation-feed.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { RevocationLog } from "./contracts.ts";

export interface RevocationFollowerOptions {
  readonly log: RevocationLog;
  /** What is fed. */
  readonly view: Revocations;
  /** Reads roles anew, before the view hears that they changed. Without it they stay as they are. */
  readonly roles?: Pick<RoleDirectory, "reload"> | undefined;
  /** Is told of everything that the view was fed, after it. Default: nobody. */
  readonly feed?: FedRevocations | undefined;
  /** Default: 500. */
  readonly pollEveryMs?: number | undefined;
  /** How long the view stays in use while the log cannot be read. Default: 30,000; 0: not at all. */
  readonly staleAfterMs?: number | undefined;
  /** Milliseconds since the epoch, for what expires. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds on a clock that nobody sets, for what is measured. Default: `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
  /** Hears of each poll that failed. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Feeds a node's view of revocations from the log of a store. */
export interface RevocationFollower {
  /** The number of the last entry that the view knows; undefined before the first reading. */
  readonly head: number | undefined;
  /** Resolves when the view knows all that is live; from then on it polls, and looks when the log gives a hint. Rejects if the log cannot be read. */
  start(): Promise<void>;
  /**
   * Resolves when all that was committed before this call has been applied to the view. Called after a change, so that
   * this node refuses at once. Rejects if the log cannot be read.
   */
  catchUp(): Promise<void>;
  /** One turn of the timer. Never rejects: what fails goes to `onError`, and in the end suspends the view. */
  poll(): Promise<void>;
  /** How far it is, to be measured. */
  readings(): FollowerReadings;
  /** Ends polling and waits for what is under way. The view keeps what it knows. */
  stop(): Promise<void>;
}

export interface FollowerReadings {
  /** The number of the last entry that was applied; 0 before the first reading. */
  readonly applied: number;
  /** The number of the last entry that is known to be committed. */
  readonly head: number;
  /** How old what is known is: since the last reading that succeeded began. */
  readonly ageMs: number;
  /** Entries that were applied since the start, and readings that failed. */
  readonly entries: number;
  readonly failures: number;
}

const pageSize = 1000;
/** How many live entries are read and applied at a time, before others get their turn. */
const liveSize = 2000;
const pruneViewEveryMs = 30_000;
const pruneLogEveryMs = 300_000;
const keepSeconds = 86_400;
/** Verifiers accept a token for some leeway after its end, and clocks differ: an entry is kept for longer than both. */
const marginMs = 300_000;

/** A follower at rest: `start()` sets it going. Its timer keeps no process alive. */
export function createRevocationFollower(options: RevocationFollowerOptions): RevocationFollower {
  return new LogFollower(options);
}

class LogFollower implements RevocationFollower {
  readonly #log: RevocationLog;
  readonly #view: Revocations;
  readonly #roles: Pick<RoleDirectory, "reload"> | undefined;
  readonly #feed: FedRevocations | undefined;
  readonly #pollEveryMs: number;
  readonly #staleAfterMs: number;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  /** The number of the last entry applied; undefined until `live()` was read. */
  #applied: number | undefined;
  #head = 0;
  #entries = 0;
  #failures = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** When the last reading that succeeded began: what it read is as old as that. */
  #knownAt: number;
  #viewPrunedAt = Number.NEGATIVE_INFINITY;
  #logPrunedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RevocationFollowerOptions) {
    this.#log = options.log;
    this.#view = options.view;
    this.#roles = options.roles;
    this.#feed = options.feed;
    this.#pollEveryMs = options.pollEveryMs ?? 500;
    this.#staleAfterMs = options.staleAfterMs ?? 30_000;
    this.#now = options.now ?? Date.now;
    this.#elapsed = options.elapsed ?? (() => performance.now());
    this.#onError = options.onError ?? (() => {});
    this.#knownAt = this.#elapsed();
  }

  get head(): number | undefined {
    return this.#applied;
  }

  async start(): Promise<void> {
    await this.catchUp();
    this.#timer ??= setInterval(() => void this.poll(), this.#pollEveryMs).unref();
    this.#stopListening ??= this.#log.onAppend?.(() => {
      this.catchUp().catch((error: unknown) => this.#onError(error));
    });
  }

  catchUp(): Promise<void> {
    if (this.#running === undefined) return this.#run();
    // The reading under way may have begun before the change that the caller has in mind: the next one will do, and
    // all who wait share it.
    const again = () => {
      this.#next = undefined;
      // One that somebody else began in between is new enough.
      return this.#running ?? this.#run();
    };
    this.#next ??= this.#running.then(again, again);
    return this.#next;
  }

  async poll(): Promise<void> {
    // A reading that hangs or an event loop that stood still does not fail, and yet nothing is known.
    if (this.#silentFor() > this.#staleAfterMs + 2 * this.#pollEveryMs) this.#view.suspend();
    if (this.#running !== undefined) return;
    try {
      await this.#run();
      await this.#tidy();
    } catch (error) {
      this.#onError(error);
    }
  }

  readings(): FollowerReadings {
    return {
      applied: this.#applied ?? 0,
      head: this.#head,
      ageMs: this.#silentFor(),
      entries: this.#entries,
      failures: this.#failures,
    };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    await Promise.allSettled([this.#running, this.#next]);
  }

  #run(): Promise<void> {
    this.#running = this.#follow().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #follow(): Promise<void> {
    const began = this.#elapsed();
    try {
      await this.#advance();
    } catch (error) {
      this.#failures += 1;
      if (this.#silentFor() >= this.#staleAfterMs) this.#view.suspend();
      throw error;
    }
    this.#knownAt = began;
    this.#view.resume();
    this.#feed?.confirm(began);
  }

  /** Applies everything up to the head as it is now; what is appended meanwhile is left to the next turn. */
  async #advance(): Promise<void> {
    if (this.#applied === undefined) return this.#startOver();
    const head = await this.#log.head();
    this.#head = head;
    if (head < this.#applied) return this.#fillGap();
    while (this.#applied < head) {
      const entries = await this.#log.since(this.#applied, pageSize);
      const last = entries?.at(-1);
      if (entries === undefined || last === undefined) return this.#fillGap();
      const events = entries.map(({ event }) => event);
      if (events.some(({ kind }) => kind === "roles")) await this.#roles?.reload();
      this.#apply(events);
      this.#applied = last.sequence;
      this.#feed?.append(entries);
    }
  }

  /** Entries are gone, or the database is an older one than before: what is cached may be wrong in any way. */
  async #fillGap(): Promise<void> {
    this.#applied = undefined;
    this.#view.flush();
    await this.#startOver();
  }

  async #startOver(): Promise<void> {
    const now = this.#longAgo();
    const head = await this.#log.head();
    await this.#roles?.reload();
    // Once more: a change of a user or key that was cached before the head was read is not among what is live.
    this.#view.flush();
    for (let after = 0, more = true; more; ) {
      const entries = await this.#log.livePage(now, { after, head, limit: liveSize });
      this.#apply(entries.map(({ event }) => event));
      more = entries.length === liveSize;
      after = entries.at(-1)?.sequence ?? after;
      await setImmediate();
    }
    this.#applied = head;
    this.#head = head;
    this.#feed?.restart(head);
  }

  /** In portions, because the events are passed as arguments. */
  #apply(events: readonly RevocationEvent[]): void {
    this.#entries += events.length;
    for (let start = 0; start < events.length; start += pageSize) {
      const [first, ...more] = events.slice(start, start + pageSize);
      if (first !== undefined) this.#view.apply(first, ...more);
    }
  }

  async #tidy(): Promise<void> {
    const at = this.#elapsed();
    if (at - this.#viewPrunedAt >= pruneViewEveryMs) {
      this.#viewPrunedAt = at;
      this.#view.prune(this.#now() / 1000);
    }
    if (at - this.#logPrunedAt >= pruneLogEveryMs) {
      this.#logPrunedAt = at;
      await this.#log.prune(this.#longAgo(), keepSeconds);
    }
  }

  /** What had expired by then can refuse nothing any more. */
  #longAgo(): Date {
    return new Date(this.#now() - marginMs);
  }

  #silentFor(): number {
    return this.#elapsed() - this.#knownAt;
  }
}
