import { type Kysely, sql } from "kysely";
import type { SqlSchema } from "../sql-schema.ts";

/** What a server tells of itself. */
export interface ServerFindings {
  readonly serverVersion: string;
  readonly latencyMs: number;
  readonly clockAheadMs: number;
  readonly durable: boolean;
}

interface Row {
  readonly version: string;
  readonly fsync: string;
  readonly at: string;
}

const rounds = 5;

/** Asks several times: the quickest answer says most about the clock. */
export async function inspectServer(db: Kysely<SqlSchema>): Promise<ServerFindings> {
  const answers: ServerFindings[] = [];
  for (let round = 0; round < rounds; round += 1) answers.push(await ask(db));
  answers.sort((a, b) => a.latencyMs - b.latencyMs);
  const [quickest] = answers;
  if (quickest === undefined) throw new TypeError("no round was made");
  return quickest;
}

async function ask(db: Kysely<SqlSchema>): Promise<ServerFindings> {
  const [began, beganAt] = [performance.now(), Date.now()];
  const { rows } = await sql<Row>`select current_setting('server_version') as version,
    current_setting('fsync') as fsync, (extract(epoch from clock_timestamp()) * 1000)::text as at`.execute(
    db,
  );
  const latencyMs = performance.now() - began;
  const [{ version, fsync, at } = { version: "", fsync: "", at: "" }] = rows;
  // When it was asked for its clock, half of the time had passed.
  const clockAheadMs = Math.round(Number(at) - (beganAt + latencyMs / 2));
  return { serverVersion: version, latencyMs, clockAheadMs, durable: fsync === "on" };
}
