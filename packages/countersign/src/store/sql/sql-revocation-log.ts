import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { RevocationEvent } from "../../core/revocation.ts";
import {
  type LivePage,
  type RevocationLog,
  type RevocationLogEntry,
  StoreUnavailable,
} from "../contracts.ts";
import { pageLimit } from "../page-limit.ts";
import { revocationExpiry } from "../revocation-expiry.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { RevocationLogTable, SqlSchema } from "./sql-schema.ts";

/** How many rows one INSERT carries: well below the parameters that a statement may have. */
const insertSize = 500;
/** How many live entries are read at a time. */
const liveSize = 2000;
/** How many rows one transaction removes. */
const pruneSize = 5000;

/**
 * Appends to the log as a part of a change's own transaction. Returns the number of the last entry. The update of the
 * head row is what puts transactions in order.
 */
export async function appendRevocations(
  trx: Transaction<SqlSchema>,
  events: readonly RevocationEvent[],
  now: number,
): Promise<number> {
  const rows = events.map((event) => ({
    event: JSON.stringify(event),
    expires_at: revocationExpiry(event) ?? null,
    created_at: now,
  }));
  const head = await trx
    .updateTable("revocation_head")
    .set((eb) => ({ sequence: eb("sequence", "+", rows.length) }))
    .returning("sequence")
    .executeTakeFirstOrThrow();
  const last = Number(head.sequence);
  const first = last - rows.length + 1;
  const numbered: RevocationLogTable[] = rows.map((row, index) => ({ sequence: first + index, ...row }));
  for (let start = 0; start < numbered.length; start += insertSize) {
    await trx
      .insertInto("revocation_log")
      .values(numbered.slice(start, start + insertSize))
      .execute();
  }
  return last;
}

export class SqlRevocationLog implements RevocationLog {
  readonly #backend: SqlBackend;
  readonly #reader: Kysely<SqlSchema>;
  readonly #now: () => number;
  readonly onAppend: RevocationLog["onAppend"];

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#reader = backend.reader;
    this.onAppend = backend.onAppend;
    this.#now = now;
  }

  async append(events: readonly RevocationEvent[], audit?: AuditEntry): Promise<number> {
    if (events.length === 0) return this.head();
    return this.#backend.write(async (trx) => {
      if (audit !== undefined) await appendAudit(trx, audit, this.#now());
      return appendRevocations(trx, events, this.#now());
    });
  }

  async head(): Promise<number> {
    const row = await this.#reader.selectFrom("revocation_head").select("sequence").executeTakeFirst();
    if (row === undefined) throw headless();
    return Number(row.sequence);
  }

  /** One statement, so that the head, the pruned part and the entries are of the same moment. */
  async since(sequence: number, limit: number): Promise<readonly RevocationLogEntry[] | undefined> {
    const rows = await this.#reader
      // One row, also to a planner that has never looked: PostgreSQL would take it for thousands, and compile the query for a second.
      .selectFrom((eb) => eb.selectFrom("revocation_head").select(["sequence", "pruned"]).limit(1).as("head"))
      .leftJoin("revocation_log as log", (join) => join.on("log.sequence", ">", sequence))
      .select(["head.sequence as head", "head.pruned", "log.sequence", "log.event"])
      .orderBy("log.sequence")
      .limit(pageLimit(limit))
      .execute();
    const [first] = rows;
    if (first === undefined) throw headless();
    if (sequence < Number(first.pruned) || sequence > Number(first.head)) return undefined;
    const entries = rows.flatMap((row) =>
      row.event === null ? [] : [{ sequence: Number(row.sequence), event: parseEvent(row.event) }],
    );
    const expected = Math.min(limit, Number(first.head) - sequence);
    return entries.length === expected &&
      entries.every((entry, index) => entry.sequence === sequence + index + 1)
      ? entries
      : undefined;
  }

  /** In pages, so that none takes long. Entries never change, and those that are pruned meanwhile refuse nothing. */
  async live(now: Date): Promise<{ head: number; events: readonly RevocationEvent[] }> {
    const head = await this.head();
    const events: RevocationEvent[] = [];
    for (let after = 0, more = true; more; ) {
      const entries = await this.livePage(now, { after, head, limit: liveSize });
      for (const { event } of entries) events.push(event);
      more = entries.length === liveSize;
      after = entries.at(-1)?.sequence ?? after;
    }
    return { head, events };
  }

  async livePage(now: Date, { after, head, limit }: LivePage): Promise<readonly RevocationLogEntry[]> {
    const rows = await this.#reader
      .selectFrom("revocation_log")
      .select(["sequence", "event"])
      .where("sequence", ">", after)
      .where("sequence", "<=", head)
      .where("expires_at", ">", now.getTime())
      .orderBy("sequence")
      .limit(pageLimit(limit))
      .execute();
    return rows.map(({ sequence, event }) => ({ sequence: Number(sequence), event: parseEvent(event) }));
  }

  async prune(now: Date, keepSeconds: number): Promise<void> {
    const at = now.getTime();
    const oldest = at - keepSeconds * 1000;
    const isSpent = sql<boolean>`created_at < ${oldest} and coalesce(expires_at, 0) <= ${at}`;
    while (await this.#pruneSome(isSpent)) {
      // In portions: other writers get their turn in between.
    }
  }

  /** Whether there may be more. A turn that finds nothing takes no lock. */
  async #pruneSome(isSpent: RawBuilder<boolean>): Promise<boolean> {
    const spent = await this.#reader
      .selectFrom("revocation_log")
      .select("sequence")
      .where(isSpent)
      .orderBy("sequence")
      .limit(pruneSize)
      .execute();
    const last = spent.at(-1)?.sequence;
    if (last === undefined) return false;
    await this.#backend.write(async (trx) => {
      await trx.deleteFrom("revocation_log").where(isSpent).where("sequence", "<=", last).execute();
      // A long-lived entry may be spent after later ones, and the mark never goes back.
      await trx.updateTable("revocation_head").set({ pruned: last }).where("pruned", "<", last).execute();
    });
    return spent.length === pruneSize;
  }
}

function parseEvent(json: string): RevocationEvent {
  return Object.freeze(JSON.parse(json) as RevocationEvent);
}

function headless(): StoreUnavailable {
  return new StoreUnavailable(
    "the table revocation_head is empty: the database was tampered with; restore a backup",
  );
}
