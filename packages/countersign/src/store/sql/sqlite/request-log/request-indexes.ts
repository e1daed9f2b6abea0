import { type RawBuilder, sql } from "kysely";
import type { RequestIndex } from "../../request-log/request-conditions.ts";
import { requestColumns } from "../../request-log/request-row.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import type { RequestPart, Stretch } from "./request-upkeep.ts";

interface IndexTable {
  readonly name: string;
  /** Of the log, in the order of the table. */
  readonly columns: string;
  /** Which rows of the log it has. Default: all. */
  readonly where?: string;
}

export const indexTables: Readonly<Record<RequestIndex, IndexTable>> = {
  time: { name: "request_log_by_time", columns: "at, id" },
  errors: { name: "request_log_of_errors", columns: "at, id, code", where: "code <> 0" },
  request_id: { name: "request_log_by_request", columns: "request_id, at, id" },
  api_key_id: { name: "request_log_by_key", columns: "api_key_id, at, id", where: "api_key_id is not null" },
  user_id: { name: "request_log_by_user", columns: "user_id, at, id", where: "user_id is not null" },
  procedure: { name: "request_log_by_procedure", columns: "procedure, at, id" },
  tenant_id: { name: "request_log_by_tenant", columns: "tenant_id, at, id", where: "tenant_id is not null" },
};

/** An index of a log in SQLite: a table that is filled in its own order. */
export class KeptIndex implements RequestPart {
  readonly name: RequestIndex;
  /** A search looks at so many one by one in a hundredth of a second. */
  readonly atOnce = 32_768;
  readonly #fill: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync, index: RequestIndex) {
    const { name, columns, where = "true" } = indexTables[index];
    this.name = index;
    this.#fill = database.prepare(
      `insert into ${name} select ${columns} from request_log
       where id > ? and id <= ? and ${where} order by ${columns}`,
    );
    this.#remove = database.prepare(
      `delete from ${name} where (${columns}) in
         (select ${columns} from request_log where id in (select value from json_each(?)) and ${where})`,
    );
  }

  keep({ after, upTo }: Stretch): void {
    this.#fill.run(after, upTo);
  }

  /** Forgets rows, before they go. `ids`: a JSON list. */
  remove(ids: string): void {
    this.#remove.run(ids);
  }
}

/** All of them, of one file. */
export function keptIndexes(database: DatabaseSync): Readonly<Record<RequestIndex, KeptIndex>> {
  return {
    time: new KeptIndex(database, "time"),
    errors: new KeptIndex(database, "errors"),
    request_id: new KeptIndex(database, "request_id"),
    api_key_id: new KeptIndex(database, "api_key_id"),
    user_id: new KeptIndex(database, "user_id"),
    procedure: new KeptIndex(database, "procedure"),
    tenant_id: new KeptIndex(database, "tenant_id"),
  };
}

/** From where an index is read: what is in it, and what is not yet. SQLite goes through both in the order of time. */
export function indexTable(index: RequestIndex): RawBuilder<unknown> {
  const { name, columns } = indexTables[index];
  return sql.raw(`(select ${columns} from ${name} union all ${rest(index, columns)})`);
}

/** From where rows are read along an index, which SQLite must not turn around. */
export function rowsAlong(index: RequestIndex): RawBuilder<unknown> {
  const columns = ["id", ...requestColumns].join(", ");
  const { name } = indexTables[index];
  return sql.raw(
    `(select ${columns} from ${name} natural cross join request_log union all ${rest(index, columns)})`,
  );
}

/** The rows that an index does not have yet. */
function rest(index: RequestIndex, columns: string): string {
  const { where = "true" } = indexTables[index];
  return `select ${columns} from request_log
    where id > coalesce((select id from request_log_upkeep where part = '${index}'), 0) and ${where}`;
}
