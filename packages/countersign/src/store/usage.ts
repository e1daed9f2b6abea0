import type { ApiKeyStore } from "./contracts.ts";

export interface UsageRecorderOptions {
  readonly apiKeys: Pick<ApiKeyStore, "addUsage">;
  /** Default: 2000. What was recorded since the last flush is lost if the process is killed. */
  readonly flushEveryMs?: number | undefined;
  /** Hears of each flush by the timer that failed. Its counts are kept and tried again. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Counts the calls of API keys in memory, and adds them to the store from time to time. */
export interface UsageRecorder {
  /** Counts one allowed call. Costs a look-up and an increment; never waits, never fails. */
  record(keyId: string, atMs: number): void;
  /** Resolves when all that was recorded before is in the store. Rejects if the store fails; nothing is lost then. */
  flush(): Promise<void>;
  /** Keys whose calls are not in the store yet. */
  readonly pending: number;
  /** Stops the timer and flushes a last time. Rejects if that fails; it may be called again. */
  close(): Promise<void>;
}

interface Counter {
  calls: number;
  lastUsedMs: number;
}

/** Starts recording. The timer keeps no process alive. */
export function createUsageRecorder(options: UsageRecorderOptions): UsageRecorder {
  return new MemoryUsageRecorder(options);
}

class MemoryUsageRecorder implements UsageRecorder {
  readonly #apiKeys: Pick<ApiKeyStore, "addUsage">;
  readonly #timer: NodeJS.Timeout;
  #counters = new Map<string, Counter>();
  /** The flush that is under way, settled without regard to its outcome. */
  #flushing: Promise<unknown> | undefined;

  constructor({ apiKeys, flushEveryMs = 2000, onError }: UsageRecorderOptions) {
    this.#apiKeys = apiKeys;
    this.#timer = setInterval(() => {
      // A store that is slow is not helped by a queue of flushes.
      if (this.#flushing === undefined) this.flush().catch((error: unknown) => onError?.(error));
    }, flushEveryMs);
    this.#timer.unref();
  }

  get pending(): number {
    return this.#counters.size;
  }

  record(keyId: string, atMs: number): void {
    const counter = this.#counters.get(keyId);
    if (counter === undefined) {
      this.#counters.set(keyId, { calls: 1, lastUsedMs: atMs });
      return;
    }
    counter.calls += 1;
    if (atMs > counter.lastUsedMs) counter.lastUsedMs = atMs;
  }

  async flush(): Promise<void> {
    // Also for counts that another flush took: they are not in the store before it has ended.
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#counters.size === 0) return;
    const flushing = this.#write();
    this.#flushing = flushing.then(
      () => this.#settle(),
      () => this.#settle(),
    );
    await flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    const taken = this.#counters;
    this.#counters = new Map();
    try {
      await this.#apiKeys.addUsage(
        Array.from(taken, ([id, { calls, lastUsedMs }]) => ({ id, calls, lastUsedAt: new Date(lastUsedMs) })),
      );
    } catch (error) {
      this.#giveBack(taken);
      throw error;
    }
  }

  #giveBack(taken: ReadonlyMap<string, Counter>): void {
    for (const [keyId, { calls, lastUsedMs }] of taken) {
      const counter = this.#counters.get(keyId);
      if (counter === undefined) {
        this.#counters.set(keyId, { calls, lastUsedMs });
        continue;
      }
      counter.calls += calls;
      counter.lastUsedMs = Math.max(counter.lastUsedMs, lastUsedMs);
    }
  }

  #settle(): void {
    this.#flushing = undefined;
  }
}
