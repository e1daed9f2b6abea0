import { type DatabaseSync, openSqlite } from "../node-sqlite.ts";
import { sqliteError, storeUnavailable } from "../sqlite-error.ts";
import { prepareSqliteFile } from "../sqlite-file.ts";

/** "csrl" in ASCII: whose file it is. */
export const requestFileId = 0x6373726c;

/** Each brings the file from one version to the next. One that was released never changes. */
export const requestMigrations: readonly string[] = [
  `create table request_log (
     id integer primary key autoincrement,
     at integer not null,
     duration_us integer not null,
     request_id text not null,
     procedure text not null,
     protocol text not null,
     code integer not null,
     reason text,
     user_id text,
     api_key_id text,
     authenticator text,
     peer text,
     user_agent text,
     received integer not null,
     sent integer not null,
     rule text,
     missing text,
     tenant_id text
   ) strict;
   create index request_log_by_time on request_log (at);
   create index request_log_by_user on request_log (user_id, at) where user_id is not null;
   create index request_log_by_key on request_log (api_key_id, at) where api_key_id is not null;
   create index request_log_by_procedure on request_log (procedure, at);
   create index request_log_of_errors on request_log (at) where code <> 0;
   create index request_log_by_request on request_log (request_id);
   create table request_rollups (
     step integer not null,
     dimension integer not null,
     start integer not null,
     value text not null,
     bin integer not null,
     calls integer not null,
     errors integer not null,
     primary key (step, dimension, start, value, bin)
   ) strict, without rowid;`,
  "create index request_log_by_tenant on request_log (tenant_id, at) where tenant_id is not null",
  // Until now a row was counted as it was written.
  `create table request_log_counted (only_row integer primary key check (only_row = 1), id integer not null) strict;
   insert into request_log_counted select 1, coalesce(max(id), 0) from request_log;`,
  "create table request_log_writers (writer text primary key, number integer not null, at integer not null) strict, without rowid",
  // Until now SQLite kept the indexes with each row.
  `create table request_log_upkeep (part text primary key, id integer not null) strict, without rowid;
   insert into request_log_upkeep select 'counts', id from request_log_counted;
   drop table request_log_counted;
   drop index request_log_by_time;
   drop index request_log_by_user;
   drop index request_log_by_key;
   drop index request_log_by_procedure;
   drop index request_log_of_errors;
   drop index request_log_by_request;
   drop index request_log_by_tenant;
   create table request_log_by_time (at integer, id integer, primary key (at, id)) strict, without rowid;
   create table request_log_of_errors
     (at integer, id integer, code integer not null, primary key (at, id)) strict, without rowid;
   create table request_log_by_request
     (request_id text, at integer, id integer, primary key (request_id, at, id)) strict, without rowid;
   create table request_log_by_key
     (api_key_id text, at integer, id integer, primary key (api_key_id, at, id)) strict, without rowid;
   create table request_log_by_user
     (user_id text, at integer, id integer, primary key (user_id, at, id)) strict, without rowid;
   create table request_log_by_procedure
     (procedure text, at integer, id integer, primary key (procedure, at, id)) strict, without rowid;
   create table request_log_by_tenant
     (tenant_id text, at integer, id integer, primary key (tenant_id, at, id)) strict, without rowid;`,
  // Until now each call had a row, and so had each bin of a histogram; `FormerRows` brings them here.
  `drop table request_log_by_time;
   drop table request_log_of_errors;
   drop table request_log_by_request;
   drop table request_log_by_key;
   drop table request_log_by_user;
   drop table request_log_by_procedure;
   drop table request_log_by_tenant;
   delete from request_log_upkeep where part <> 'counts';
   insert into request_log_upkeep select 'head', coalesce(max(seq), 0) from sqlite_sequence where name = 'request_log';
   create table request_blocks (
     first_id integer primary key,
     last_id integer not null,
     earliest integer not null,
     latest integer not null,
     rows integer not null,
     level integer not null,
     seen blob,
     data blob not null
   ) strict;
   create table request_counts (
     step integer not null,
     dimension integer not null,
     start integer not null,
     value text not null,
     calls integer not null,
     errors integer not null,
     bins blob not null,
     primary key (step, dimension, start, value)
   ) strict, without rowid;
   create index request_blocks_by_time on request_blocks (latest, earliest);
   create index request_blocks_by_level on request_blocks (level, first_id) where level < 3;`,
];

const busyTimeoutMs = 5000;

/**
 * Opens the file of a request log, and brings its schema up to date. Other processes may read it meanwhile. A killed process
 * loses nothing that was written; a machine without power may lose the last of it, and nothing is damaged. Throws
 * `StoreUnavailable`.
 */
export function openRequestFile(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    prepareSqliteFile(path);
    const opened = openSqlite(path, { busyTimeoutMs });
    database = opened;
    requireOurs(path, opened);
    // The first two have to come before the first table. One that is there already keeps what it has.
    opened.exec("pragma auto_vacuum = incremental; pragma journal_mode = wal; pragma synchronous = normal");
    // Pages of indexes that are changed now and again stay in memory: 16 MB of them.
    opened.exec("pragma cache_size = -16000");
    migrate(path, opened);
    return opened;
  } catch (error) {
    database?.close();
    throw sqliteError(path, error);
  }
}

function requireOurs(path: string, database: DatabaseSync): void {
  const id = pragma(database, "application_id");
  const [table] = database.prepare("select name from sqlite_schema where type = 'table' limit 1").all();
  if (id === requestFileId || (id === 0 && table === undefined)) return;
  throw storeUnavailable(path, { cause: "it belongs to another program", remedy: "name another file" });
}

function migrate(path: string, database: DatabaseSync): void {
  if (pragma(database, "user_version") === requestMigrations.length) return;
  database.exec("begin immediate");
  try {
    const version = pragma(database, "user_version");
    if (version > requestMigrations.length) {
      throw storeUnavailable(path, {
        cause: `it has version ${version} and this program knows ${requestMigrations.length}`,
        remedy: "run the newer program, or remove the file: the request log begins anew then",
      });
    }
    for (const step of requestMigrations.slice(version)) database.exec(step);
    database.exec(
      `pragma application_id = ${requestFileId}; pragma user_version = ${requestMigrations.length}; commit`,
    );
  } catch (error) {
    database.exec("rollback");
    throw error;
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`pragma ${name}`).get()?.[name] ?? 0);
}
