import { BlockBuilder } from "../../../request-log/block/block-builder.ts";
import { PackedRows } from "../../../request-log/block/packed-rows.ts";
import { RequestBlock } from "../../../request-log/block/request-block.ts";
import type { PackedMessage } from "../../../request-log/packed-requests.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { RequestMarks } from "./request-marks.ts";

/** With so many rows a block is left as it is. */
const enoughRows = 2048;
/** None has more. */
const mostRows = 2 * enoughRows;
/** So many blocks of a level make up one of the next. */
const fanIn = 16;
/** Of a block that is left as it is; those below are put together. It stands in an index of the file. */
const fullLevel = 3;

/** What is known of a block without reading its rows. */
export interface BlockRow {
  readonly first_id: number;
  readonly rows: number;
  readonly level: number;
}

/** Rows that were written just now: after an id, up to another. */
export interface WrittenRows {
  readonly after: number;
  readonly upTo: number;
  readonly blocks: readonly RequestBlock[];
}

/**
 * The rows of a log in SQLite, thousands of them in one value, column by column. A batch is one block; small ones are put together
 * as they become many, so that few are looked at by a search, and each row is written again three times at most. Blocks follow
 * each other by id. All of it is part of a transaction.
 */
export class RequestBlocks {
  readonly #marks: RequestMarks;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #data: StatementSync;
  readonly #small: StatementSync;
  readonly #after: StatementSync;

  constructor(database: DatabaseSync, marks: RequestMarks) {
    this.#marks = marks;
    this.#insert = database.prepare(
      `insert into request_blocks (first_id, last_id, earliest, latest, rows, level, seen, data)
       values (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#remove = database.prepare("delete from request_blocks where first_id = ?");
    this.#data = database.prepare("select data from request_blocks where first_id = ?");
    this.#small = database.prepare(
      `select first_id, rows, level from request_blocks where level < ${fullLevel} order by first_id`,
    );
    // From the block on that may have the row before: those are passed over that end earlier.
    this.#after = database.prepare(
      `select first_id from request_blocks where last_id > ?
         and first_id >= coalesce((select max(first_id) from request_blocks where first_id <= ?), 0)
       order by first_id limit 1`,
    );
  }

  append(message: PackedMessage): WrittenRows {
    const { length } = message;
    const after = this.#marks.get("head");
    const upTo = after + length;
    if (length === 0) return { after, upTo, blocks: [] };
    if (length >= enoughRows) this.#join(this.#smallOnes());
    const source = new PackedRows(message, (row) => after + 1 + row);
    const parts = Math.ceil(length / mostRows);
    const blocks: RequestBlock[] = [];
    for (let part = 0; part < parts; part++) {
      const [from, to] = [Math.floor((part * length) / parts), Math.floor(((part + 1) * length) / parts)];
      const builder = new BlockBuilder(to - from);
      builder.take(source, from, to);
      blocks.push(this.write(builder, length >= enoughRows ? fullLevel : 0));
    }
    this.#marks.set("head", upTo);
    if (length < enoughRows) this.#tidy();
    return { after, upTo, blocks };
  }

  /** Writes a block. With a level, it is put together with others of it. */
  write(builder: BlockBuilder, level = fullLevel): RequestBlock {
    const { firstId, lastId, earliest, latest, rows, data } = builder.encoded();
    // A small block is looked at as quickly as what is known of its values.
    const seen = level === fullLevel ? builder.filter().bytes : null;
    this.#insert.run(firstId, lastId, earliest, latest, rows, level, seen, data);
    return new RequestBlock(data);
  }

  read(firstId: number): RequestBlock {
    return new RequestBlock(this.#data.get(firstId)?.["data"] as Uint8Array);
  }

  /** Blocks with rows after an id, in order. */
  *after(id: number): Generator<RequestBlock> {
    for (let last = id; ; ) {
      const next = this.#after.get(last, last)?.["first_id"];
      if (next === undefined) return;
      const block = this.read(Number(next));
      yield block;
      last = block.number("id", block.length - 1);
    }
  }

  /** Keeps of a block what has to stay. How many rows do not? */
  rewrite(
    { first_id: firstId, level }: BlockRow,
    stays: (block: RequestBlock, row: number) => boolean,
  ): number {
    const block = this.read(firstId);
    const builder = new BlockBuilder(block.length);
    // Rows that stay are taken together.
    for (let [from, row] = [0, 0]; row <= block.length; row++) {
      if (row < block.length && stays(block, row)) continue;
      builder.take(block, from, row);
      from = row + 1;
    }
    this.#remove.run(firstId);
    if (builder.length > 0) this.write(builder, level);
    return block.length - builder.length;
  }

  /** Puts small blocks together: all of them where that is enough, or as many of a level as make up the next. */
  #tidy(): void {
    let small = this.#smallOnes();
    if (small.reduce((sum, { rows }) => sum + rows, 0) >= enoughRows) {
      this.#join(small);
      return;
    }
    // A level gets another block from the one below alone. The last one is full by its rows.
    for (let level = 0; level < fullLevel - 1; level++) {
      const these = small.filter((block) => block.level === level);
      if (these.length < fanIn) return;
      this.#join(these, level + 1);
      small = this.#smallOnes();
    }
  }

  #smallOnes(): readonly BlockRow[] {
    return this.#small.all() as unknown as readonly BlockRow[];
  }

  #join(blocks: readonly BlockRow[], level = fullLevel): void {
    if (blocks.length === 0) return;
    const builder = new BlockBuilder(blocks.reduce((sum, { rows }) => sum + rows, 0));
    for (const { first_id: firstId } of blocks) {
      const block = this.read(firstId);
      builder.take(block, 0, block.length);
      this.#remove.run(firstId);
    }
    this.write(builder, level);
  }
}
