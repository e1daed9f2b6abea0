import { after } from "node:test";
import { startPostgres } from "../../../../tools/postgres-server.ts";
import { openPostgresStore } from "./postgres.ts";
import { describeStore } from "./store.suite.ts";

const server = await startPostgres();
after(() => server.stop());

// Copying a database takes less time than creating its tables.
const template = await server.createDatabase();
await (await openPostgresStore({ database: template })).close();

describeStore("PostgreSQL", async (now) => {
  const database = await server.createDatabase(new URL(template).pathname.slice(1));
  const store = await openPostgresStore({ database, now });
  return { store, dispose: () => store.close() };
});
