import type { Transaction } from "kysely";
import { type AuditSealer, createAuditSealer } from "../audit-chain.ts";
import type { AuditOptions, AuditOrigin } from "../audit-contracts.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** What a transaction's audit rows are told besides. */
export interface Auditing {
  readonly origin: AuditOrigin | undefined;
  readonly sealer: AuditSealer | undefined;
}

const byTransaction = new WeakMap<Transaction<SqlSchema>, Auditing>();

/** What was bound to a transaction; a migration's has nothing. */
export function auditingOf(trx: Transaction<SqlSchema>): Auditing {
  return byTransaction.get(trx) ?? { origin: undefined, sealer: undefined };
}

/** For a transaction that is not begun by `auditedBackend()`: from now on it knows how its audit rows are sealed. */
export function bindAuditing(trx: Transaction<SqlSchema>, { origin, keys }: AuditOptions): void {
  byTransaction.set(trx, { origin: origin?.(), sealer: createAuditSealer(keys) });
}

/** A backend whose transactions know who began them, and how their audit rows are sealed. */
export function auditedBackend(backend: SqlBackend, { origin, keys }: AuditOptions): SqlBackend {
  const sealer = createAuditSealer(keys);
  return {
    ...backend,
    write(work) {
      // Now, and not when it is this transaction's turn: by then another call may be the current one.
      const auditing = { origin: origin?.(), sealer };
      return backend.write((trx) => {
        byTransaction.set(trx, auditing);
        return work(trx);
      });
    },
  };
}
