import type { RevocationEvent } from "../../core/revocation.ts";
import type { LivePage, RevocationLog, RevocationLogEntry } from "../contracts.ts";

/** A log in front of another one, that fails or waits when it is told to, and counts what it is asked. */
export class FakeLog implements RevocationLog {
  readonly #inner: RevocationLog;
  readonly asked: string[] = [];
  fails = false;
  /** What every reading waits for before it begins. */
  gate: Promise<unknown> = Promise.resolve();
  /** Called when a reading is done, before its answer is given. */
  afterRead: () => Promise<unknown> = async () => {};
  onAppend: RevocationLog["onAppend"];
  overlapping = 0;
  mostOverlapping = 0;

  constructor(inner: RevocationLog) {
    this.#inner = inner;
  }

  append(events: readonly RevocationEvent[]): Promise<number> {
    return this.#inner.append(events);
  }

  head(): Promise<number> {
    return this.#read("head", () => this.#inner.head());
  }

  since(sequence: number, limit: number): Promise<readonly RevocationLogEntry[] | undefined> {
    return this.#read("since", () => this.#inner.since(sequence, limit));
  }

  live(now: Date): Promise<{ readonly head: number; readonly events: readonly RevocationEvent[] }> {
    return this.#read("live", () => this.#inner.live(now));
  }

  livePage(now: Date, page: LivePage): Promise<readonly RevocationLogEntry[]> {
    return this.#read("livePage", () => this.#inner.livePage(now, page));
  }

  async prune(now: Date, keepSeconds: number): Promise<void> {
    this.asked.push("prune");
    if (this.fails) throw new Error("cut off");
    await this.#inner.prune(now, keepSeconds);
  }

  async #read<T>(name: string, read: () => Promise<T>): Promise<T> {
    this.asked.push(name);
    this.overlapping += 1;
    this.mostOverlapping = Math.max(this.mostOverlapping, this.overlapping);
    try {
      await this.gate;
      if (this.fails) throw new Error("cut off");
      const answer = await read();
      await this.afterRead();
      return answer;
    } finally {
      this.overlapping -= 1;
    }
  }
}
