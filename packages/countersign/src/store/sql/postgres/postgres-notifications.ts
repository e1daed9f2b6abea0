import pg from "pg";
import { channel } from "./append-only.ts";
import { inTime } from "./in-time.ts";

const firstPauseMs = 500;
const longestPauseMs = 5000;
const checkEveryMs = 15_000;
const answerMs = 2000;

/**
 * Listens on a connection of its own while there is somebody who wants to know. A notification is a hint that there may
 * be something new, and so is a connection that was made anew; nothing of its content is used. What is lost on the way is found
 * by whoever polls.
 */
export class Notifications {
  readonly #config: pg.ClientConfig;
  readonly #listeners = new Set<() => void>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = firstPauseMs;
  #closed = false;

  constructor(config: pg.ClientConfig) {
    this.#config = config;
  }

  /** Returns the way to stop it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#client === undefined && this.#timer === undefined) void this.#connect();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#disconnect();
    };
  }

  close(): void {
    this.#closed = true;
    this.#disconnect();
  }

  async #connect(): Promise<void> {
    this.#timer = undefined;
    if (this.#closed) return;
    const client = new pg.Client(this.#config);
    this.#client = client;
    client.on("error", () => this.#lost(client));
    client.on("end", () => this.#lost(client));
    client.on("notification", () => this.#tell());
    try {
      await client.connect();
      // Not in its types yet.
      (client as pg.Client & { unref(): void }).unref();
      await inTime(client.query(`listen ${channel}`), answerMs);
    } catch {
      return this.#lost(client);
    }
    if (this.#client !== client) return;
    this.#pauseMs = firstPauseMs;
    this.#timer = setTimeout(() => void this.#check(client), checkEveryMs).unref();
    // Something may have been appended before.
    this.#tell();
  }

  /** A connection that nothing comes from looks the same as one whose other end is gone. */
  async #check(client: pg.Client): Promise<void> {
    try {
      await inTime(client.query("select 1"), answerMs);
    } catch {
      return this.#lost(client);
    }
    if (this.#client === client)
      this.#timer = setTimeout(() => void this.#check(client), checkEveryMs).unref();
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#disconnect();
    if (this.#closed || this.#listeners.size === 0) return;
    // Not all nodes at once.
    this.#timer = setTimeout(() => void this.#connect(), this.#pauseMs * (0.5 + Math.random())).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const client = this.#client;
    this.#client = undefined;
    void client?.end().catch(() => {});
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
