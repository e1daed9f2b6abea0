import { statSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { requestsPath } from "../requests/requests.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import { privacy } from "./privacy.ts";
import { type DatabaseSync, readSqlite } from "./read-sqlite.ts";

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

function checkFile(path: string, bytes: number, most: number): Check {
  const remedy = "see that nothing else uses the file, or remove it: the log begins anew";
  let database: DatabaseSync | undefined;
  try {
    database = readSqlite(path);
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

/** A file of an earlier version has rows, which a server puts into blocks when they are first asked for. */
const oldest: Readonly<Record<string, string>> = {
  request_blocks: "select min(earliest) as at from request_blocks",
  request_log: "select min(at) as at from request_log",
};

function sinceWhen(database: DatabaseSync): string {
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  const instants = tables.flatMap(({ name: table }) => {
    const at = database.prepare(oldest[String(table)] ?? "select null as at").get()?.["at"];
    return typeof at === "number" ? [at] : [];
  });
  return instants.length > 0 ? `since ${new Date(Math.min(...instants)).toISOString()}` : "empty";
}
