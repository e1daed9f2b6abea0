import { after } from "node:test";
import { startPostgres } from "../../../../tools/postgres-server.ts";
import { openPostgresStore } from "./postgres.ts";
import { describeStore } from "./store.suite.ts";

const server = await startPostgres();
after(() => server.stop());

const name = await server.createDatabase();
const database = server.local(name);
await (await openPostgresStore({ database })).close();

// What every table held at first. To go back to it takes a tenth of the time that another database would.
const each = (name: string, what: string, then: string) =>
  `for name in select ${name} from ${what} where schemaname = 'public' loop execute format('${then}', name); end loop;`;
await server.query(
  `create schema first;
   do $$ declare name text; begin
     ${each("tablename", "pg_tables", "create table first.%1$I as table public.%1$I")}
   end $$`,
  name,
);
// As a replica would, without asking the triggers that keep the audit log.
const reset = `set session_replication_role = replica;
  do $$ declare name text; begin
    ${each("tablename", "pg_tables", "delete from public.%I")}
    ${each("tablename", "pg_tables", "insert into public.%1$I select * from first.%1$I")}
    ${each("sequencename", "pg_sequences", "alter sequence public.%I restart")}
  end $$`;

describeStore("PostgreSQL", async (now) => {
  const store = await openPostgresStore({ database, now });
  const dispose = async () => {
    await store.close();
    await server.query(reset, name);
  };
  return { store, dispose };
});
