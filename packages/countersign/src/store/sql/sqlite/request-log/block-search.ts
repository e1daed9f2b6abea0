import type {
  RequestFilter,
  RequestPage,
  RequestPosition,
  RequestQuery,
  StoredRequest,
} from "../../../request-contracts.ts";
import { matchingRows, mayMatch } from "../../../request-log/block/block-search.ts";
import type { RequestBlock } from "../../../request-log/block/request-block.ts";
import { ValueFilter } from "../../../request-log/block/value-filter.ts";
import { isBehind, newestFirst, pageOf } from "../../../request-log/newest-first.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { RequestBlocks } from "./request-blocks.ts";

/** After this a page ends, however little it has. */
const patienceMs = 40;

interface FoundBlock {
  readonly first_id: number;
  readonly latest: number;
  readonly seen: Uint8Array | null;
}

/** A row that was found, which is read when its place on the page is known. */
interface Found extends RequestPosition {
  readonly block: RequestBlock;
  readonly row: number;
}

/** Searches the blocks of a log. */
export class BlockSearch {
  readonly #blocks: RequestBlocks;
  readonly #newest: StatementSync;

  constructor(database: DatabaseSync, blocks: RequestBlocks) {
    this.#blocks = blocks;
    // The order is that of the index, also where a planner thinks otherwise.
    this.#newest = database.prepare(
      `select first_id, latest, seen from request_blocks indexed by request_blocks_by_time
       where latest >= ? and earliest <= ? order by latest desc`,
    );
  }

  /**
   * A page. Blocks are gone through from the newest, those without the values that are sought unread, until no other can have a
   * row that belongs on it. A search for what is rare, or not there, ends the page where its time is up.
   */
  page({ filter, limit, after }: RequestQuery): RequestPage {
    const wanted = limit + 1;
    const began = performance.now();
    const latest = Math.min(
      after?.at ?? Number.MAX_SAFE_INTEGER,
      Math.ceil(filter.until ?? Number.MAX_SAFE_INTEGER) - 1,
    );
    let found: Found[] = [];
    for (const block of this.#between(filter.since ?? Number.MIN_SAFE_INTEGER, latest)) {
      const least = found[wanted - 1];
      if (least !== undefined && block.latest < least.at) break;
      const end = { at: block.latest + 1, id: 0 };
      if (performance.now() - began > patienceMs && (after === undefined || isBehind(end, after)))
        return pageOf(records(found.filter(({ at }) => at >= end.at)), limit, end);
      if (block.seen !== null && !mayMatch(new ValueFilter(block.seen), filter)) continue;
      const rows = firstRows(this.#blocks.read(block.first_id), filter, { wanted, after });
      found = [...found, ...rows].sort(newestFirst).slice(0, wanted);
    }
    return pageOf(records(found), limit, undefined);
  }

  /** The rows after an id, in their order. */
  since(id: number, limit: number): readonly StoredRequest[] {
    const rows: StoredRequest[] = [];
    for (const block of this.#blocks.after(id)) {
      const ids = block.numbers("id");
      for (let row = ids.findIndex((one) => one > id); row < block.length && rows.length < limit; row++)
        rows.push(block.record(row));
      if (rows.length >= limit) break;
    }
    return rows;
  }

  #between(since: number, latest: number): Iterable<FoundBlock> {
    return this.#newest.iterate(since, latest) as unknown as Iterable<FoundBlock>;
  }
}

interface Wanted {
  readonly wanted: number;
  readonly after: RequestPosition | undefined;
}

/** The newest rows of a block that match. In the order of time its last ones are they, as a rule. */
function firstRows(block: RequestBlock, filter: RequestFilter, { wanted, after }: Wanted): readonly Found[] {
  const [at, ids] = [block.numbers("at"), block.numbers("id")];
  const inOrder = at.every((one, row) => row === 0 || one >= (at[row - 1] ?? 0));
  const found: Found[] = [];
  for (const row of matchingRows(block, filter)) {
    const one = { at: at[row] ?? 0, id: ids[row] ?? 0, block, row };
    if (after !== undefined && !isBehind(one, after)) continue;
    found.push(one);
    if (inOrder && found.length === wanted) break;
  }
  return found;
}

function records(found: readonly Found[]): readonly StoredRequest[] {
  return found.map(({ block, row }) => block.record(row));
}
