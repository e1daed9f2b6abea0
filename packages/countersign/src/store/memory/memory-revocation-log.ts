import type { RevocationEvent } from "../../core/revocation.ts";
import type { LivePage, RevocationLog, RevocationLogEntry } from "../contracts.ts";
import { pageLimit } from "../page-limit.ts";
import { revocationExpiry } from "../revocation-expiry.ts";
import type { AuditEntry } from "../session-contracts.ts";
import type { MemoryAudit } from "./memory-audit.ts";

interface Entry extends RevocationLogEntry {
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

/** The log as an array in order of number. Every method does its work in one go, which is its transaction. */
export class MemoryRevocationLog implements RevocationLog {
  readonly #now: () => number;
  readonly #audit: MemoryAudit;
  #entries: Entry[] = [];
  #head = 0;
  /** The highest number that was pruned. */
  #pruned = 0;

  constructor(now: () => number, audit: MemoryAudit) {
    this.#now = now;
    this.#audit = audit;
  }

  /** For a change that must not be seen without its event. Throws before anything is appended. */
  appendNow(events: readonly RevocationEvent[]): number {
    const createdAt = this.#now();
    const expiries = events.map(revocationExpiry);
    for (const [index, event] of events.entries()) {
      this.#head += 1;
      const copy = Object.freeze({ ...event });
      this.#entries.push({ sequence: this.#head, event: copy, expiresAt: expiries[index], createdAt });
    }
    return this.#head;
  }

  async append(events: readonly RevocationEvent[], audit?: AuditEntry): Promise<number> {
    events.map(revocationExpiry);
    if (audit !== undefined) this.#audit.appendNow(audit);
    return this.appendNow(events);
  }

  async head(): Promise<number> {
    return this.#head;
  }

  async since(sequence: number, limit: number): Promise<readonly RevocationLogEntry[] | undefined> {
    pageLimit(limit);
    if (sequence < this.#pruned || sequence > this.#head) return undefined;
    // What is above the pruned part has no gaps, so that positions count back from the end.
    const start = this.#entries.length - (this.#head - sequence);
    return this.#entries.slice(start, start + limit).map(({ sequence, event }) => ({ sequence, event }));
  }

  async live(now: Date): Promise<{ head: number; events: readonly RevocationEvent[] }> {
    const at = now.getTime();
    const live = this.#entries.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt > at);
    return { head: this.#head, events: live.map(({ event }) => event) };
  }

  async livePage(now: Date, { after, head, limit }: LivePage): Promise<readonly RevocationLogEntry[]> {
    pageLimit(limit);
    const at = now.getTime();
    const page: RevocationLogEntry[] = [];
    for (const { sequence, event, expiresAt } of this.#entries) {
      if (sequence > head || page.length === limit) break;
      if (sequence > after && expiresAt !== undefined && expiresAt > at) page.push({ sequence, event });
    }
    return page;
  }

  async prune(now: Date, keepSeconds: number): Promise<void> {
    const at = now.getTime();
    const oldest = at - keepSeconds * 1000;
    const isSpent = ({ expiresAt, createdAt }: Entry) => createdAt < oldest && (expiresAt ?? 0) <= at;
    // A long-lived entry may be spent after later ones.
    this.#pruned = Math.max(this.#pruned, this.#entries.findLast(isSpent)?.sequence ?? 0);
    this.#entries = this.#entries.filter((entry) => !isSpent(entry));
  }
}
