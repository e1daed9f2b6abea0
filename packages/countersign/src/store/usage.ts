import { randomUUID } from "node:crypto";
import type { ApiKeyUsage } from "./api-key-contracts.ts";
import type { ApiKeyStore } from "./contracts.ts";
import { UsageCounter, type UsageOrigin } from "./usage-counter.ts";

export interface UsageRecorderOptions {
  readonly apiKeys: Pick<ApiKeyStore, "addUsage">;
  /** Default: 2000. What was recorded since the last flush is lost if the process is killed. */
  readonly flushEveryMs?: number | undefined;
  /** How many keys are added in one transaction. Default: 250. */
  readonly batchSize?: number | undefined;
  /** Milliseconds between two transactions of the timer, for others to get their turn; a second for all of them. Default: 0. */
  readonly restMs?: number | undefined;
  /** Hears of each flush by the timer that failed. Its counts are kept and tried again; no store adds them twice. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Counts the calls of API keys in memory, and adds them to the store from time to time. */
export interface UsageRecorder {
  /** Counts one allowed call. Costs a look-up and an increment; never waits, never fails. */
  record(keyId: string, atMs: number, origin?: UsageOrigin): void;
  /** Counts a call with a known key that was refused. It is no use of the key. */
  recordDenied(keyId: string, atMs: number): void;
  /** Notes that a scope of a key said yes to something. */
  recordScope(keyId: string, scope: string): void;
  /** Resolves when all that was recorded before is in the store. Rejects if the store fails; nothing is lost then. */
  flush(): Promise<void>;
  /** Keys whose calls are not in the store yet. */
  readonly pending: number;
  /** Stops the timer and flushes a last time. Rejects if that fails; it may be called again. */
  close(): Promise<void>;
}

/** How many pairs of key and scope are known to be written already. */
const knownScopes = 10_000;
/** How long the rests of one flush may be together. */
const longestRestMs = 1000;

/** Starts recording. The timer keeps no process alive. */
export function createUsageRecorder(options: UsageRecorderOptions): UsageRecorder {
  return new MemoryUsageRecorder(options);
}

class MemoryUsageRecorder implements UsageRecorder {
  readonly #apiKeys: Pick<ApiKeyStore, "addUsage">;
  readonly #batchSize: number;
  readonly #restMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #writer = randomUUID();
  #number = 0;
  /** A flush that may have been added: it goes again as it was, before everything else. */
  #unsure: readonly ApiKeyUsage[] | undefined;
  #counters = new Map<string, UsageCounter>();
  #written = new Set<string>();
  /** The flush that is under way, settled without regard to its outcome. */
  #flushing: Promise<unknown> | undefined;
  /** How many wait for a flush; and the end of the rest that is being taken: who waits has it end. */
  #awaited = 0;
  #endRest: (() => void) | undefined;

  constructor(options: UsageRecorderOptions) {
    const { apiKeys, flushEveryMs = 2000, batchSize = 250, restMs = 0, onError } = options;
    this.#apiKeys = apiKeys;
    this.#batchSize = batchSize;
    this.#restMs = restMs;
    this.#timer = setInterval(() => {
      // A store that is slow is not helped by a queue of flushes.
      if (this.#flushing === undefined) this.#flush().catch((error: unknown) => onError?.(error));
    }, flushEveryMs);
    this.#timer.unref();
  }

  get pending(): number {
    return this.#counters.size + (this.#unsure?.length ?? 0);
  }

  record(keyId: string, atMs: number, origin?: UsageOrigin): void {
    this.#counterOf(keyId).allow(atMs, origin);
  }

  recordDenied(keyId: string, atMs: number): void {
    this.#counterOf(keyId).deny(atMs);
  }

  recordScope(keyId: string, scope: string): void {
    if (!this.#written.has(`${keyId} ${scope}`)) this.#counterOf(keyId).note(scope);
  }

  async flush(): Promise<void> {
    this.#awaited += 1;
    this.#endRest?.();
    try {
      await this.#flush();
    } finally {
      this.#awaited -= 1;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #flush(): Promise<void> {
    // Also for counts that another flush took: they are not in the store before it has ended.
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#counters.size === 0 && this.#unsure === undefined) return;
    const flushing = this.#write();
    this.#flushing = flushing.then(
      () => this.#settle(),
      () => this.#settle(),
    );
    await flushing;
  }

  #counterOf(keyId: string): UsageCounter {
    const known = this.#counters.get(keyId);
    if (known !== undefined) return known;
    const counter = new UsageCounter();
    this.#counters.set(keyId, counter);
    return counter;
  }

  async #write(): Promise<void> {
    if (this.#unsure !== undefined) await this.#add(this.#unsure);
    const taken = this.#counters;
    this.#counters = new Map();
    try {
      const ids = [...taken.keys()];
      for (let at = 0; at < ids.length; at += this.#batchSize) {
        if (at > 0) await this.#rest(longestRestMs / (ids.length / this.#batchSize));
        const batch = ids.slice(at, at + this.#batchSize).flatMap((id) => taken.get(id)?.usageOf(id) ?? []);
        for (const { id } of batch) taken.delete(id);
        await this.#add(batch);
      }
    } catch (error) {
      for (const [keyId, counter] of taken) this.#counterOf(keyId).addEarlier(counter);
      throw error;
    }
  }

  async #rest(atMostMs: number): Promise<void> {
    const ms = Math.min(this.#restMs, atMostMs);
    if (ms <= 0 || this.#awaited > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endRest = undefined;
  }

  /** One transaction. Whether one that failed was added, nobody can tell: its answer may have been lost. */
  async #add(batch: readonly ApiKeyUsage[]): Promise<void> {
    if (batch !== this.#unsure) this.#number += 1;
    this.#unsure = batch;
    await this.#apiKeys.addUsage(batch, { writer: this.#writer, number: this.#number });
    this.#unsure = undefined;
    this.#remember(batch);
  }

  #remember(usage: readonly ApiKeyUsage[]): void {
    for (const { id, scopes = [] } of usage) for (const scope of scopes) this.#written.add(`${id} ${scope}`);
    if (this.#written.size > knownScopes) this.#written = new Set();
  }

  #settle(): void {
    this.#flushing = undefined;
  }
}
