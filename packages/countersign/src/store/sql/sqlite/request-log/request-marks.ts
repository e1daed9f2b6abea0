import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";

/** Ids of rows that stand beside the rows: the last that was given, and the last that the statistics have. */
export type RequestMark = "head" | "counts";

/** The marks of a log in SQLite. */
export class RequestMarks {
  readonly #get: StatementSync;
  readonly #set: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare("select id from request_log_upkeep where part = ?");
    this.#set = database.prepare(
      "insert into request_log_upkeep (part, id) values (?, ?) on conflict do update set id = excluded.id",
    );
  }

  get(mark: RequestMark): number {
    return Number(this.#get.get(mark)?.["id"] ?? 0);
  }

  set(mark: RequestMark, id: number): void {
    this.#set.run(mark, id);
  }
}
