import type { AuditOptions } from "./audit-contracts.ts";
import type { Store } from "./contracts.ts";
import { MemoryApiKeys } from "./memory/memory-api-keys.ts";
import { MemoryAttempts } from "./memory/memory-attempts.ts";
import { MemoryAudit } from "./memory/memory-audit.ts";
import { MemoryIdentities } from "./memory/memory-identities.ts";
import { MemoryRevocationLog } from "./memory/memory-revocation-log.ts";
import { MemoryRoles } from "./memory/memory-roles.ts";
import { MemorySessions } from "./memory/memory-sessions.ts";
import { MemorySigningKeys } from "./memory/memory-signing-keys.ts";
import { MemoryTotp } from "./memory/memory-totp.ts";
import { MemoryUsers } from "./memory/memory-users.ts";

export interface MemoryStoreOptions {
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Who is acting, and what the audit log is sealed with. Default: nobody knows, and it is not. */
  readonly audit?: AuditOptions | undefined;
}

/** A store that forgets everything with the process: for tests and trials. It passes the tests that SQL stores pass. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { now = Date.now } = options;
  const audit = new MemoryAudit(now, options.audit);
  const revocations = new MemoryRevocationLog(now, audit);
  const users = new MemoryUsers({ now, revocations, audit });
  const parts = { now, revocations, audit, users };
  const apiKeys = new MemoryApiKeys(parts);
  const sessions = new MemorySessions(parts);
  const totp = new MemoryTotp(parts);
  const identities = new MemoryIdentities(parts);
  users.own(apiKeys, sessions, totp, identities);
  const roles = new MemoryRoles({ ...parts, apiKeys });
  const isRole = (name: string): boolean => roles.has(name);
  users.takeRoles(isRole);
  apiKeys.takeRoles(isRole);
  const attempts = new MemoryAttempts(users);
  const signingKeys = new MemorySigningKeys(parts);
  return Object.freeze({
    users,
    roles,
    apiKeys,
    revocations,
    sessions,
    attempts,
    totp,
    audit,
    signingKeys,
    identities,
    close: async () => {},
  });
}
