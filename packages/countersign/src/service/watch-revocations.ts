import type { MessageInitShape } from "@bufbuild/protobuf";
import { CallError } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import type { RevocationEvent } from "../core/revocation.ts";
import type { NumberedRevocation, RevocationFeed } from "../core/revocation-feed.ts";
import type { RoleDefinition, RoleSource } from "../core/role.ts";
import type { WatchRevocationsResponseSchema } from "../gen/auth/v1/revocations_pb.ts";
import type { RevocationLog } from "../store/contracts.ts";
import { revocationMessage, roleDefinitionsMessage } from "./revocation-message.ts";

export interface RevocationWatchesOptions {
  /** What this node knows of the log. */
  readonly feed: RevocationFeed;
  /** For what the feed does not keep. */
  readonly log: Pick<RevocationLog, "since" | "live">;
  readonly roles: RoleSource;
  /** Default: 1,000. */
  readonly heartbeatMs?: number | undefined;
  /** Who takes longer to read a message is sent away. Default: 10,000. */
  readonly slowMs?: number | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** The clock that the feed's `knownAt` is of. Default: `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
}

type Message = MessageInitShape<typeof WatchRevocationsResponseSchema>;

interface Snapshot {
  /** Of which beginning of the feed. */
  readonly restarts: number;
  readonly head: number;
  readonly events: readonly RevocationEvent[];
  /** When its reading began. */
  readonly at: number;
}

const pageSize = 500;
/** As a follower of the store's own reads it: verifiers have some leeway, and clocks differ. */
const marginMs = 300_000;
/** So long a snapshot may serve those who begin: what came since is told after it. */
const snapshotForMs = 5000;
/** Nobody makes us keep a snapshot for longer. */
const snapshotWithinMs = 60_000;

/** Answers `WatchRevocations`. Who has caught up costs no reading of the store; those who begin at once share theirs. */
export class RevocationWatches {
  readonly #feed: RevocationFeed;
  readonly #log: Pick<RevocationLog, "since" | "live">;
  readonly #roleSource: RoleSource;
  readonly #heartbeatMs: number;
  readonly #slowMs: number;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  #snapshot: (Pick<Snapshot, "at" | "restarts"> & { readonly reading: Promise<Snapshot> }) | undefined;
  #roles: { readonly head: number; readonly reading: Promise<readonly RoleDefinition[]> } | undefined;

  constructor(options: RevocationWatchesOptions) {
    this.#feed = options.feed;
    this.#log = options.log;
    this.#roleSource = options.roles;
    this.#heartbeatMs = options.heartbeatMs ?? 1000;
    this.#slowMs = options.slowMs ?? 10_000;
    this.#now = options.now ?? Date.now;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** What one caller is told, from a number on or from the beginning, until the signal. */
  async *watch(after: number | undefined, signal: AbortSignal): AsyncGenerator<Message, void, undefined> {
    const began = this.#elapsed();
    for await (const message of this.#messages(after, began, signal)) {
      const given = this.#elapsed();
      yield message;
      if (this.#elapsed() - given > this.#slowMs) throw tooSlow();
    }
  }

  async *#messages(after: number | undefined, began: number, signal: AbortSignal): AsyncGenerator<Message> {
    let position = after;
    let { restarts } = this.#feed;
    yield { roles: await this.#rolesNow() };
    while (!signal.aborted) {
      if (this.#feed.closed) throw new Refusal("UNAVAILABLE");
      const missed = this.#feed.restarts !== restarts;
      restarts = this.#feed.restarts;
      const entries: readonly NumberedRevocation[] | undefined =
        position === undefined || missed ? undefined : await this.#after(position);
      if (entries === undefined || position === undefined) {
        position = yield* this.#fromTheBeginning(began);
        continue;
      }
      const last: number = entries.at(-1)?.sequence ?? position;
      if (entries.length > 0) yield await this.#portion(entries, last, began);
      else if (!(await this.#more(position, restarts, signal))) yield this.#told(position, began);
      position = last;
    }
  }

  async *#fromTheBeginning(began: number): AsyncGenerator<Message, number> {
    yield { restart: true };
    const started = this.#elapsed();
    const reading = this.#snapshotNow();
    const read = reading.then(() => true);
    // A long log takes a while, and silence would be taken for a server that is gone.
    while (!(await Promise.race([read, pause(this.#heartbeatMs)]))) yield {};
    const { head, events, at } = await reading;
    for (let start = 0; start < events.length; start += pageSize) {
      yield { revocations: events.slice(start, start + pageSize).map(revocationMessage) };
      if (this.#elapsed() - started > snapshotWithinMs) throw tooSlow();
    }
    yield {
      roles: await this.#rolesNow(),
      sequence: BigInt(head),
      knownMs: BigInt(Math.floor(at - began)),
    };
    return head;
  }

  async #portion(entries: readonly NumberedRevocation[], last: number, began: number): Promise<Message> {
    const changed = entries.some(({ event }) => event.kind === "roles");
    return {
      ...(changed && { roles: await this.#rolesNow() }),
      revocations: entries.map(({ event }) => revocationMessage(event)),
      ...this.#told(last, began),
    };
  }

  /** Where there is more to tell, nothing is said of how new it is. */
  #told(sequence: number, began: number): Pick<Message, "sequence" | "knownMs"> {
    const { head, knownAt } = this.#feed;
    if (sequence < head) return { sequence: BigInt(sequence) };
    return { sequence: BigInt(sequence), knownMs: BigInt(Math.floor(knownAt - began)) };
  }

  async #after(position: number): Promise<readonly NumberedRevocation[] | undefined> {
    return this.#feed.after(position, pageSize) ?? (await this.#log.since(position, pageSize));
  }

  /** Waits until there is something to tell. False: it is time for a heartbeat. */
  #more(position: number, restarts: number, signal: AbortSignal): Promise<boolean> {
    const feed = this.#feed;
    const news = (): boolean =>
      feed.head > position || feed.restarts !== restarts || feed.closed || signal.aborted;
    if (news()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener("abort", end);
        resolve(news());
      };
      const timer = setTimeout(end, this.#heartbeatMs).unref();
      const stop = feed.onChange(end);
      signal.addEventListener("abort", end);
    });
  }

  #snapshotNow(): Promise<Snapshot> {
    const at = this.#elapsed();
    const { restarts } = this.#feed;
    const known = this.#snapshot;
    if (known !== undefined && known.restarts === restarts && at - known.at <= snapshotForMs)
      return known.reading;
    const reading = this.#readSnapshot(at, restarts);
    this.#snapshot = { at, restarts, reading };
    const forget = (): void => {
      if (this.#snapshot?.reading === reading) this.#snapshot = undefined;
    };
    reading.then(() => setTimeout(forget, snapshotForMs).unref(), forget);
    return reading;
  }

  async #readSnapshot(at: number, restarts: number): Promise<Snapshot> {
    return { ...(await this.#log.live(new Date(this.#now() - marginMs))), at, restarts };
  }

  /** Read once for each state of the log. */
  async #rolesNow(): Promise<Message["roles"]> {
    const { head } = this.#feed;
    if (this.#roles?.head !== head) {
      const reading = Promise.resolve().then(() => this.#roleSource.load());
      this.#roles = { head, reading };
      reading.catch(() => {
        if (this.#roles?.reading === reading) this.#roles = undefined;
      });
    }
    return roleDefinitionsMessage(await this.#roles.reading);
  }
}

function tooSlow(): CallError {
  return new CallError("ABORTED", "read too slowly; begin again");
}

function pause(ms: number): Promise<boolean> {
  return new Promise((resolve) => setTimeout(resolve, ms, false).unref());
}
