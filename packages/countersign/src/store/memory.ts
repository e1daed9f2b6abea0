import { createMemoryLimits } from "../limits/memory-limits.ts";
import type { AuditOptions } from "./audit-contracts.ts";
import type { Store } from "./contracts.ts";
import { MemoryApiKeys } from "./memory/memory-api-keys.ts";
import { MemoryAttempts } from "./memory/memory-attempts.ts";
import { MemoryAudit } from "./memory/memory-audit.ts";
import { MemoryIdentities } from "./memory/memory-identities.ts";
import { MemoryKeyImports } from "./memory/memory-key-imports.ts";
import { MemoryNodes } from "./memory/memory-nodes.ts";
import { MemoryRequestLog } from "./memory/memory-request-log.ts";
import { MemoryRevocationLog } from "./memory/memory-revocation-log.ts";
import { MemoryRoles } from "./memory/memory-roles.ts";
import { MemorySecrets } from "./memory/memory-secrets.ts";
import { MemorySessions } from "./memory/memory-sessions.ts";
import { MemorySigningKeys } from "./memory/memory-signing-keys.ts";
import { MemoryTenants } from "./memory/memory-tenants.ts";
import { MemoryTotp } from "./memory/memory-totp.ts";
import { MemoryUsers } from "./memory/memory-users.ts";
import type { RequestLog } from "./request-contracts.ts";

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
  const tenants = new MemoryTenants({ now, revocations, audit });
  const users = new MemoryUsers({ now, revocations, audit, tenants });
  audit.takeUsers(users);
  const parts = { now, revocations, audit, users };
  const apiKeys = new MemoryApiKeys(parts);
  const sessions = new MemorySessions(parts);
  const totp = new MemoryTotp(parts);
  const identities = new MemoryIdentities(parts);
  users.own(apiKeys, sessions, totp, identities);
  const roles = new MemoryRoles({ ...parts, apiKeys, tenants });
  tenants.own({ users, roles });
  const isRole = (name: string, tenant: string | null): boolean => roles.has(name, tenant);
  users.takeRoles(isRole);
  apiKeys.takeRoles(isRole);
  const keyImports = new MemoryKeyImports({ apiKeys, revocations });
  const attempts = new MemoryAttempts(users);
  const signingKeys = new MemorySigningKeys(parts);
  const secrets = new MemorySecrets({ ...parts, signingKeys, imports: keyImports, totp, apiKeys });
  return Object.freeze({
    users,
    tenants,
    roles,
    apiKeys,
    keyImports,
    revocations,
    sessions,
    attempts,
    totp,
    audit,
    signingKeys,
    identities,
    secrets,
    limits: createMemoryLimits(options.now === undefined ? {} : { now, elapsed: now }),
    nodes: new MemoryNodes(now),
    close: async () => {},
  });
}

/** A request log that forgets everything with the process. It passes the tests that the others pass. */
export function createMemoryRequestLog({ now = Date.now }: MemoryStoreOptions = {}): RequestLog {
  return new MemoryRequestLog(now);
}
