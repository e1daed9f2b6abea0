import type { Redigested, SecretStore } from "./secret-contracts.ts";

export interface RedigesterOptions {
  readonly secrets: Pick<SecretStore, "redigest">;
  /** Default: 2000. */
  readonly flushEveryMs?: number | undefined;
  /** Hears of what could not be written. It is tried again when the key is next read. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Writes the digests of keys that were used and have one under an older pepper. Nobody waits for it. */
export interface Redigester {
  add(change: Redigested): void;
  /** Stops the timer and writes what is left. Never rejects. */
  close(): Promise<void>;
}

/** More than these are left to their next use. */
const most = 10_000;
const portion = 200;

/** Starts one. The timer keeps no process alive. */
export function createRedigester({ secrets, flushEveryMs = 2000, onError }: RedigesterOptions): Redigester {
  const changes = new Map<string, Redigested>();
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    while (changes.size > 0) {
      const taken = [...changes.values()].slice(0, portion);
      for (const { id } of taken) changes.delete(id);
      try {
        await secrets.redigest(taken);
      } catch (error) {
        onError?.(error);
      }
    }
  };
  const flush = (): Promise<void> => {
    writing = writing.then(write);
    return writing;
  };
  const timer = setInterval(() => void flush(), flushEveryMs).unref();
  return Object.freeze({
    add(change: Redigested) {
      if (changes.size < most) changes.set(change.id, change);
    },
    close() {
      clearInterval(timer);
      return flush();
    },
  });
}
