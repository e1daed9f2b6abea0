import type { Redis } from "ioredis";
import { createClient, inTime } from "./redis-connection.ts";
import type { RedisTarget } from "./redis-target.ts";

const checkEveryMs = 5000;

/** Hears what other nodes say, on a connection of its own. What is lost on the way is found by whoever polls. */
export class RedisNews {
  readonly #client: Redis;
  readonly #channel: string;
  readonly #listeners = new Set<(message: string | undefined) => void>();
  #timer: NodeJS.Timeout | undefined;
  #hears = false;

  constructor(target: RedisTarget, channel: string) {
    this.#channel = channel;
    // Whoever sends commands tells of what is wrong.
    this.#client = createClient(target, () => {});
    this.#client.on("message", (_channel: string, message: string) => this.#tell(message));
    this.#client.on("ready", () => void this.#listen());
    this.#client.on("close", () => {
      this.#hears = false;
    });
    this.#client.connect().catch(() => {});
    this.#timer = setInterval(() => void this.#check(), checkEveryMs).unref();
  }

  /** `undefined`: from now on it hears, and something may have been missed. Returns the way to stop it. */
  subscribe(listener: (message: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    if (this.#hears) queueMicrotask(() => listener(undefined));
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#listeners.clear();
    this.#client.disconnect();
  }

  async #listen(): Promise<void> {
    try {
      await inTime(this.#client.subscribe(this.#channel));
    } catch {
      return this.#lost();
    }
    this.#hears = true;
    this.#tell(undefined);
  }

  /** A connection that nothing comes from looks the same as one whose other end is gone. */
  async #check(): Promise<void> {
    if (this.#client.status !== "ready") return;
    try {
      await inTime(this.#client.ping());
    } catch {
      this.#lost();
    }
  }

  #lost(): void {
    if (this.#timer !== undefined) this.#client.disconnect(true);
  }

  #tell(message: string | undefined): void {
    for (const listener of this.#listeners) listener(message);
  }
}
