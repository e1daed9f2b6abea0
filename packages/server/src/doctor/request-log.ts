import { statSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { requestsPath } from "../requests/requests.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import { nodeSqlite } from "./node-sqlite.ts";
import { privacy } from "./privacy.ts";

const name = "request log";
const megabyte = 1_000_000;

/** Looks at the request log without changing it. PostgreSQL keeps it among the tables. */
export function checkRequestLog(config: Config): readonly Check[] {
  const { request_log: settings, secrets } = config;
  if (!settings.enabled || secrets.databaseUrl !== undefined) return [];
  const path = requestsPath(config);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [ok(name, `${path} is not there yet: a server makes it`)];
  const exposed = privacy(name, path, found, 0o600);
  return [...(exposed === undefined ? [] : [exposed]), checkFile(path, found.size, settings.max_size)];
}

type Database = InstanceType<ReturnType<typeof nodeSqlite>["DatabaseSync"]>;

function checkFile(path: string, bytes: number, most: number): Check {
  const remedy = "see that nothing else uses the file, or remove it: the log begins anew";
  let database: Database | undefined;
  try {
    database = new (nodeSqlite().DatabaseSync)(path, { readOnly: true, timeout: 5000 });
    const detail = `${path}: ${sinceWhen(database)}, ${Math.ceil(bytes / megabyte)} of ${Math.round(most / megabyte)} MB`;
    return bytes <= most * 1.1
      ? ok(name, detail)
      : warn(name, detail, "a server that runs makes it smaller; is one running?");
  } catch (error) {
    return fail(name, `${path}: ${(error as Error).message}`, remedy);
  } finally {
    database?.close();
  }
}

/** A server that starts brings a file of an earlier version up to date. */
function sinceWhen(database: Database): string {
  const blocks = database.prepare("select 1 from sqlite_schema where name = 'request_blocks'").get();
  const [column, table] = blocks === undefined ? ["at", "request_log"] : ["earliest", "request_blocks"];
  const oldest = database.prepare(`select min(${column}) as at from ${table}`).get();
  return typeof oldest?.["at"] === "number" ? `since ${new Date(oldest["at"]).toISOString()}` : "empty";
}
