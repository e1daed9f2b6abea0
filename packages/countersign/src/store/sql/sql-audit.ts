import { type SelectQueryBuilder, sql, type Transaction } from "kysely";
import { AuditChecker, createAuditSealer, nextAuditRow } from "../audit-chain.ts";
import type {
  AuditAnchor,
  AuditEntry,
  AuditFilter,
  AuditOptions,
  AuditProgress,
  AuditQuery,
  AuditRecord,
  AuditStore,
  AuditVerdict,
} from "../audit-contracts.ts";
import { type AuditRow, isStorableFilter, newAuditRow, searched, toAuditRecord } from "../audit-row.ts";
import { auditOwner } from "../audit-tenant.ts";
import { StoreUnavailable } from "../contracts.ts";
import { pageLimit } from "../page-limit.ts";
import { parseUserId } from "../user-id.ts";
import { auditedBackend, auditingOf } from "./auditing.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** How many rows are checked at a time: some ten milliseconds of work. */
const pageSize = 1000;

/** Appends to the audit log as a part of a change's own transaction, of which there is one at a time. */
export async function appendAudit(
  trx: Transaction<SqlSchema>,
  entry: AuditEntry,
  now: number,
): Promise<AuditRow> {
  const { origin, sealer } = auditingOf(trx);
  const content = newAuditRow(entry, now, origin);
  const before = await trx
    .selectFrom("audit_head")
    .select(["sequence", "hash", "sealed"])
    .executeTakeFirstOrThrow();
  const tenant = await auditTenant(trx, entry, content.actor);
  const { row, head } = nextAuditRow({ ...content, tenant }, before, sealer);
  await trx.insertInto("audit_log").values(row).execute();
  await trx.updateTable("audit_head").set(head).execute();
  return row;
}

/** Begins to seal a log that never was: what is in it already is held by the chain that the first seal ends. */
export async function beginSealing(
  backend: SqlBackend,
  audit: AuditOptions | undefined,
  now: () => number,
): Promise<void> {
  if (audit?.keys === undefined || audit.keys.length === 0) return;
  const isOpen = sql<boolean>`sealed = 0 and sequence > 0`;
  const found = await backend.reader.selectFrom("audit_head").select("sequence").where(isOpen).execute();
  if (found.length === 0) return;
  await auditedBackend(backend, audit).write(async (trx) => {
    const [head] = await trx.selectFrom("audit_head").select("sequence").where(isOpen).execute();
    if (head === undefined) return;
    const details = { rows: String(head.sequence) };
    await appendAudit(trx, { action: "audit.sealed", target: "audit", details }, now());
  });
}

export class SqlAudit implements AuditStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;
  readonly #keys: AuditOptions["keys"];

  constructor(backend: SqlBackend, now: () => number, { keys }: AuditOptions) {
    this.#backend = backend;
    this.#now = now;
    this.#keys = keys;
  }

  async append(entry: AuditEntry): Promise<AuditRecord> {
    return toAuditRecord(await this.#backend.write((trx) => appendAudit(trx, entry, this.#now())));
  }

  async find(sequence: number): Promise<AuditRecord | undefined> {
    if (!Number.isSafeInteger(sequence)) return undefined;
    const row = await this.#rows().where("sequence", "=", sequence).executeTakeFirst();
    return row && toAuditRecord(row);
  }

  async list({ limit, before, after, ...filter }: AuditQuery): Promise<readonly AuditRecord[]> {
    if (!isStorableFilter(filter)) return [];
    let query = this.#filtered(filter);
    if (before !== undefined) query = query.where("sequence", "<", before);
    if (after !== undefined) query = query.where("sequence", ">", after);
    const order = after === undefined ? "desc" : "asc";
    const rows = await query.orderBy("sequence", order).limit(pageLimit(limit)).execute();
    return rows.map(toAuditRecord);
  }

  async *verify(anchor?: AuditAnchor): AsyncGenerator<AuditProgress, AuditVerdict, void> {
    const checker = new AuditChecker(createAuditSealer(this.#keys), anchor);
    const head = await this.#head();
    const total = Number(head.sequence);
    for (;;) {
      const rows = await this.#rows()
        .where("sequence", ">", checker.last)
        .where("sequence", "<=", total)
        .orderBy("sequence")
        .limit(pageSize)
        .execute();
      const good = rows.every((row) => checker.check(row));
      yield { checked: checker.last, total };
      if (!good || rows.length < pageSize) return checker.verdict(head, Number(head.end ?? 0));
    }
  }

  /** One statement, so that the head and the end of the log are of the same moment. */
  async #head() {
    const head = await this.#backend.reader
      .selectFrom("audit_head")
      .select(["sequence", "hash", "sealed"])
      .select((eb) =>
        eb
          .selectFrom("audit_log")
          .select(({ fn }) => fn.max("audit_log.sequence").as("end"))
          .as("end"),
      )
      .executeTakeFirst();
    if (head === undefined) throw headless();
    return head;
  }

  #rows() {
    return this.#backend.reader.selectFrom("audit_log").selectAll();
  }

  #filtered(filter: AuditFilter): SelectQueryBuilder<SqlSchema, "audit_log", AuditRow> {
    const { actor, apiKeyId, action, target, since, until, text, tenantId } = filter;
    const position = sql.raw(this.#backend.words.position);
    let query = this.#rows();
    if (tenantId !== undefined) query = query.where("tenant", "=", tenantId);
    if (actor !== undefined) query = query.where("actor", "=", actor);
    if (apiKeyId !== undefined) query = query.where("api_key", "=", apiKeyId);
    if (action !== undefined) query = query.where("action", "=", action);
    if (target !== undefined)
      query = query.where((eb) => eb.or([eb("target", "=", target), eb("related", "=", target)]));
    if (since !== undefined) query = query.where("at", ">=", since.getTime());
    if (until !== undefined) query = query.where("at", "<", until.getTime());
    if (text !== undefined) {
      const parts = searched.map((column) => sql<boolean>`${position}(${sql.ref(column)}, ${text}) > 0`);
      query = query.where((eb) => eb.or(parts));
    }
    return query;
  }
}

function headless(): StoreUnavailable {
  return new StoreUnavailable(
    "the table audit_head is empty: the database was tampered with; restore a backup",
  );
}

/** The tenant that a row belongs to, as `auditOwner()` says where to look. */
async function auditTenant(
  trx: Transaction<SqlSchema>,
  entry: AuditEntry,
  actor: string,
): Promise<string | null> {
  const owner = auditOwner(entry, actor);
  if ("tenant" in owner) return owner.tenant;
  for (const id of owner.userIds) {
    const key = parseUserId(id);
    const user =
      key === undefined
        ? undefined
        : await trx.selectFrom("users").select("tenant").where("id", "=", key).executeTakeFirst();
    if (user !== undefined) return user.tenant;
  }
  return null;
}
