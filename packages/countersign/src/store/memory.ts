import type { Store } from "./contracts.ts";
import { MemoryApiKeys } from "./memory/memory-api-keys.ts";
import { MemoryRevocationLog } from "./memory/memory-revocation-log.ts";
import { MemoryUsers } from "./memory/memory-users.ts";

export interface MemoryStoreOptions {
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A store that forgets everything with the process: for tests and trials. It passes the tests that SQL stores pass. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { now = Date.now } = options;
  const revocations = new MemoryRevocationLog(now);
  const users = new MemoryUsers({ now, revocations });
  const apiKeys = new MemoryApiKeys({ now, revocations, users });
  users.ownKeys(apiKeys);
  return Object.freeze({ users, apiKeys, revocations, close: async () => {} });
}
