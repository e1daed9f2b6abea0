import type { Store } from "../contracts.ts";
import { SqlApiKeys } from "./sql-api-keys.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { SqlRevocationLog } from "./sql-revocation-log.ts";
import { SqlUsers } from "./sql-users.ts";

/** The stores over a database whose schema is up to date. */
export function createSqlStore(backend: SqlBackend, now: () => number): Store {
  let closing: Promise<void> | undefined;
  return Object.freeze({
    users: new SqlUsers(backend, now),
    apiKeys: new SqlApiKeys(backend, now),
    revocations: new SqlRevocationLog(backend, now),
    close: () => {
      closing ??= backend.close();
      return closing;
    },
  });
}
