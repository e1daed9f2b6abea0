import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type { DatabaseSync, StatementSync } from "./node-sqlite.ts";
import { sqliteError } from "./sqlite-error.ts";

type Parameter = string | number | bigint | Uint8Array | null;

/** More statements than the stores have; a page filter more or less must not prepare one anew each time. */
const cachedStatements = 200;

/** One connection to a file, and its prepared statements. Every call is synchronous underneath. */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const statement = this.#prepare(query.sql);
      const parameters = query.parameters as readonly Parameter[];
      if (returnsRows(query)) return { rows: statement.all(...parameters) as Row[] };
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      throw sqliteError(this.#path, error);
    }
  }

  streamQuery(): never {
    throw new Error("queries are not streamed");
  }

  /** Runs a statement without parameters or result. */
  run(statement: string): void {
    try {
      this.#database.exec(statement);
    } catch (error) {
      throw sqliteError(this.#path, error);
    }
  }

  /** See `SqlBackend.prepareFirst`. */
  prepareFirst<Row>(text: string): (parameter: string | bigint) => Row | undefined {
    const statement = this.#database.prepare(text);
    return (parameter) => {
      try {
        return statement.get(parameter) as Row | undefined;
      } catch (error) {
        throw sqliteError(this.#path, error);
      }
    };
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    const oldest = this.#statements.keys().next();
    if (this.#statements.size >= cachedStatements && !oldest.done) this.#statements.delete(oldest.value);
    this.#statements.set(text, statement);
    return statement;
  }
}

/** `all()` returns rows but no count, and `run()` a count but no rows. */
function returnsRows({ query }: CompiledQuery): boolean {
  switch (query.kind) {
    case "InsertQueryNode":
    case "UpdateQueryNode":
    case "DeleteQueryNode":
      return query.returning !== undefined;
    default:
      return true;
  }
}
