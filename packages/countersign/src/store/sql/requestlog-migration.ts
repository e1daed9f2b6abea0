import { sql, type Transaction } from "kysely";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/**
 * The request log, where it is not a file of its own: on PostgreSQL. A partition for each day, which goes as a whole; and
 * counts by minute, hour and day. What is there already stays: a restore makes every other table anew, and no backup has
 * the log in it.
 */
export async function createRequestLog(trx: Transaction<SqlSchema>, { partitions }: SqlWords): Promise<void> {
  for (const statement of partitions ? statements : []) await sql.raw(statement).execute(trx);
}

/** How far each of those who write it has come: a batch that is told again is known by it. */
export async function createRequestWriters(
  trx: Transaction<SqlSchema>,
  { partitions }: SqlWords,
): Promise<void> {
  if (!partitions) return;
  await sql`create table if not exists request_log_writers (
     writer text collate "C" primary key,
     number bigint not null,
     at bigint not null
   )`.execute(trx);
}

const statements: readonly string[] = [
  "create sequence if not exists request_log_id",
  `create table if not exists request_log (
     id bigint not null default nextval('request_log_id'),
     at bigint not null,
     duration_us bigint not null,
     request_id text collate "C" not null,
     procedure text collate "C" not null,
     protocol text collate "C" not null,
     code integer not null,
     reason text collate "C",
     user_id text collate "C",
     api_key_id text collate "C",
     authenticator text collate "C",
     peer text collate "C",
     user_agent text collate "C",
     received integer not null,
     sent integer not null,
     rule text collate "C",
     missing text collate "C",
     tenant_id text collate "C",
     primary key (at, id)
   ) partition by range (at)`,
  "create index if not exists request_log_by_user on request_log (user_id, at, id) where user_id is not null",
  "create index if not exists request_log_by_key on request_log (api_key_id, at, id) where api_key_id is not null",
  "create index if not exists request_log_by_tenant on request_log (tenant_id, at, id) where tenant_id is not null",
  "create index if not exists request_log_by_procedure on request_log (procedure, at, id)",
  "create index if not exists request_log_of_errors on request_log (at, id) where code <> 0",
  "create index if not exists request_log_by_request on request_log (request_id)",
  "create index if not exists request_log_by_id on request_log (id)",
  `create table if not exists request_rollups (
     step integer not null,
     dimension integer not null,
     start bigint not null,
     value text collate "C" not null,
     bin integer not null,
     calls bigint not null,
     errors bigint not null,
     primary key (step, dimension, start, value, bin)
   )`,
  // Attached, and not created as a partition: that would wait for all who read, and they for it.
  `create or replace function request_log_partition(day bigint) returns void language plpgsql as $$
   declare
     name text := format('request_log_%s', day);
     length constant bigint := 86400000;
   begin
     perform pg_advisory_xact_lock(hashtext('countersign request_log'));
     if to_regclass(quote_ident(name)) is not null then return; end if;
     execute format('create table %I (like request_log including defaults including constraints)', name);
     execute format('alter table request_log attach partition %I for values from (%s) to (%s)',
       name, day * length, (day + 1) * length);
   end $$`,
  // The newest day stays, however large it is.
  `create or replace function request_log_retain(cutoff bigint, max_bytes bigint) returns integer language plpgsql as $$
   declare
     part record;
     total bigint := 0;
     removed integer := 0;
   begin
     perform pg_advisory_xact_lock(hashtext('countersign request_log'));
     for part in
       select oid, relname, substring(relname from '[0-9]+$')::bigint as day, pg_total_relation_size(oid) as bytes
       from pg_class where oid in (select inhrelid from pg_inherits where inhparent = 'request_log'::regclass)
       order by day desc
     loop
       total := total + part.bytes;
       if (part.day + 1) * 86400000 <= cutoff or (total > max_bytes and total > part.bytes) then
         execute format('drop table %I', part.relname);
         removed := removed + 1;
       end if;
     end loop;
     return removed;
   end $$`,
];
