import type { AuditOptions } from "../audit-contracts.ts";
import type { Store } from "../contracts.ts";
import type { StoreObserver } from "../observation.ts";
import { auditedBackend } from "./auditing.ts";
import { observedBackend } from "./observed-backend.ts";
import { SqlApiKeys } from "./sql-api-keys.ts";
import { SqlAttempts } from "./sql-attempts.ts";
import { SqlAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { SqlIdentities } from "./sql-identities.ts";
import { SqlKeyImports } from "./sql-key-imports.ts";
import { SqlLimits } from "./sql-limits.ts";
import { SqlNodes } from "./sql-nodes.ts";
import { SqlRevocationLog } from "./sql-revocation-log.ts";
import { SqlRoles } from "./sql-roles.ts";
import { SqlSecrets } from "./sql-secrets.ts";
import { SqlSessions } from "./sql-sessions.ts";
import { SqlSigningKeys } from "./sql-signing-keys.ts";
import { SqlTenants } from "./sql-tenants.ts";
import { SqlTotp } from "./sql-totp.ts";
import { SqlUsers } from "./sql-users.ts";

export interface SqlStoreOptions {
  readonly audit?: AuditOptions | undefined;
  readonly observe?: StoreObserver | undefined;
}

/** The stores over a database whose schema is up to date. `now`: default `Date.now`; limits take the server's clock then. */
export function createSqlStore(
  plain: SqlBackend,
  given?: () => number,
  { audit = {}, observe }: SqlStoreOptions = {},
): Store {
  const now = given ?? Date.now;
  const observed = observedBackend(plain, observe);
  const backend = auditedBackend(observed.backend, audit);
  let closing: Promise<void> | undefined;
  const users = new SqlUsers(backend, now);
  return Object.freeze({
    users,
    tenants: new SqlTenants(backend, now),
    roles: new SqlRoles(backend, now, users),
    apiKeys: new SqlApiKeys(backend, now),
    keyImports: new SqlKeyImports(backend, now),
    revocations: new SqlRevocationLog(backend, now),
    sessions: new SqlSessions(backend, now),
    attempts: new SqlAttempts(backend, now),
    totp: new SqlTotp(backend, now),
    audit: new SqlAudit(backend, now, audit),
    signingKeys: new SqlSigningKeys(backend, now),
    identities: new SqlIdentities(backend, now),
    secrets: new SqlSecrets(backend, now),
    limits: new SqlLimits(backend, given),
    nodes: new SqlNodes(backend, now),
    readings: () => ({ writing: observed.writing(), away: backend.isAway?.() ?? false }),
    close: () => {
      closing ??= backend.close();
      return closing;
    },
  });
}
