import {
  AuditChecker,
  type AuditHead,
  type AuditSealer,
  createAuditSealer,
  nextAuditRow,
  noHash,
} from "../audit-chain.ts";
import type {
  AuditAnchor,
  AuditEntry,
  AuditOptions,
  AuditProgress,
  AuditQuery,
  AuditRecord,
  AuditStore,
  AuditVerdict,
} from "../audit-contracts.ts";
import { type AuditRow, newAuditRow, passesAuditFilter, toAuditRecord } from "../audit-row.ts";
import { auditOwner } from "../audit-tenant.ts";
import { pageLimit } from "../page-limit.ts";

/** Rows in order of number. */
export class MemoryAudit implements AuditStore {
  readonly #now: () => number;
  readonly #origin: AuditOptions["origin"];
  readonly #sealer: AuditSealer | undefined;
  readonly #rows: AuditRow[] = [];
  #users: { tenantOf(id: string): string | null | undefined } | undefined;
  #head: AuditHead = { sequence: 0, hash: noHash, sealed: 0 };

  constructor(now: () => number, { origin, keys }: AuditOptions = {}) {
    this.#now = now;
    this.#origin = origin;
    this.#sealer = createAuditSealer(keys);
  }

  /** Rows need users and users need rows: called once, before anything else. */
  takeUsers(users: { tenantOf(id: string): string | null | undefined }): void {
    this.#users = users;
  }

  /** For a change that must not be seen without its row. Throws before anything is appended. */
  appendNow(entry: AuditEntry): AuditRecord {
    const content = newAuditRow(entry, this.#now(), this.#origin?.());
    const tenant = this.#tenantOf(entry, content.actor);
    const { row, head } = nextAuditRow({ ...content, tenant }, this.#head, this.#sealer);
    this.#rows.push(row);
    this.#head = head;
    return toAuditRecord(row);
  }

  async append(entry: AuditEntry): Promise<AuditRecord> {
    return this.appendNow(entry);
  }

  async find(sequence: number): Promise<AuditRecord | undefined> {
    const row = this.#rows[sequence - 1];
    return row && toAuditRecord(row);
  }

  async list({ limit, before, after, ...filter }: AuditQuery): Promise<readonly AuditRecord[]> {
    const rows = this.#rows
      .filter((row) => before === undefined || row.sequence < before)
      .filter((row) => after === undefined || row.sequence > after)
      .filter((row) => passesAuditFilter(row, filter));
    const ordered = after === undefined ? rows.reverse() : rows;
    return ordered.slice(0, pageLimit(limit)).map(toAuditRecord);
  }

  async *verify(anchor?: AuditAnchor): AsyncGenerator<AuditProgress, AuditVerdict, void> {
    const checker = new AuditChecker(this.#sealer, anchor);
    const [head, end] = [this.#head, this.#rows.length];
    this.#rows.every((row) => checker.check(row));
    yield { checked: checker.last, total: end };
    return checker.verdict(head, end);
  }

  #tenantOf(entry: AuditEntry, actor: string): string | null {
    const owner = auditOwner(entry, actor);
    if ("tenant" in owner) return owner.tenant;
    const known = owner.userIds.map((id) => this.#users?.tenantOf(id)).find((tenant) => tenant !== undefined);
    return known ?? null;
  }
}
