import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type {
  ApiKeyTraces,
  ApiKeyUsage,
  SeenNetwork,
  UsageCount,
  UsageOfKeysQuery,
  UsagePeriod,
} from "../api-key-contracts.ts";
import { isStorableText } from "../storable-text.ts";
import { countsByPeriod, rememberedNetworks } from "../usage-period.ts";
import type { SqlBackend, SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

type Trx = Transaction<SqlSchema>;

/** How many rows one statement writes. */
const portion = 250;

/** Adds what was counted, as a part of a transaction. */
export async function addKeyUsage(trx: Trx, words: SqlWords, usage: readonly ApiKeyUsage[]): Promise<void> {
  const rowsOf = rowsBy(words);
  for (const totals of portions(sumByKey(usage))) await countTotals(trx, rowsOf, totals);
  for (const counts of portions(sumByPeriod(usage))) await countPeriods(trx, rowsOf, counts);
  const networks = usage.flatMap(({ id, networks: seen = [], lastUsedAt }) =>
    seen.filter(isStorableText).map((network) => ({ id, text: network, at: lastUsedAt?.getTime() ?? 0 })),
  );
  for (const rows of portions(networks)) await noteNetworks(trx, rowsOf, rows);
  const scopes = usage.flatMap(({ id, scopes: used = [] }) =>
    used.filter(isStorableText).map((scope) => ({ id, text: scope })),
  );
  for (const rows of portions(scopes)) await noteScopes(trx, rowsOf, rows);
}

export async function readKeyUsage(
  db: Kysely<SqlSchema>,
  { ids, period, from, until }: UsageOfKeysQuery,
): Promise<ReadonlyMap<string, readonly UsageCount[]>> {
  const known = ids.filter(isStorableText);
  if (known.length === 0) return new Map();
  const rows = await db
    .selectFrom("api_key_usage")
    .select(["key_id", "starts_at", "allowed", "denied"])
    .where("key_id", "in", known)
    .where("period", "=", period)
    .where("starts_at", ">=", from.getTime())
    .where("starts_at", "<", until.getTime())
    .orderBy("starts_at")
    .execute();
  const counts = new Map<string, UsageCount[]>();
  for (const { key_id: id, starts_at: startsAt, allowed, denied } of rows) {
    const count = {
      startsAt: new Date(Number(startsAt)),
      allowed: Number(allowed),
      denied: Number(denied),
    };
    const before = counts.get(id);
    if (before === undefined) counts.set(id, [count]);
    else before.push(count);
  }
  return counts;
}

export async function readKeyNetworks(db: Kysely<SqlSchema>, id: string): Promise<readonly SeenNetwork[]> {
  if (!isStorableText(id)) return [];
  const rows = await db
    .selectFrom("api_key_networks")
    .select(["network", "last_used_at"])
    .where("key_id", "=", id)
    .orderBy("last_used_at", "desc")
    .orderBy("network")
    .execute();
  return rows.map(({ network, last_used_at: at }) => ({ network, lastUsedAt: new Date(Number(at)) }));
}

export async function readKeyTraces(
  db: Kysely<SqlSchema>,
  ids: readonly string[],
  since: Date,
): Promise<ReadonlyMap<string, ApiKeyTraces>> {
  if (ids.length === 0) return new Map();
  const networks = await db
    .selectFrom("api_key_networks")
    .select(({ fn }) => ["key_id", fn.countAll<number>().as("networks")])
    .where("key_id", "in", [...ids])
    .where("last_used_at", ">=", since.getTime())
    .groupBy("key_id")
    .execute();
  const scopes = await db
    .selectFrom("api_key_scopes")
    .selectAll()
    .where("key_id", "in", [...ids])
    .orderBy("scope")
    .execute();
  const known = await db
    .selectFrom("api_keys")
    .select("id")
    .where("id", "in", [...ids])
    .execute();
  const countOf = new Map(networks.map((row) => [row.key_id, Number(row.networks)]));
  return new Map(
    known.map(({ id }) => [
      id,
      {
        networks: countOf.get(id) ?? 0,
        usedScopes: scopes.filter(({ key_id }) => key_id === id).map(({ scope }) => scope),
      },
    ]),
  );
}

/** An hour or a day at a time: other writers get their turn in between. */
export async function pruneKeyUsage(
  backend: SqlBackend,
  { hours, days }: { readonly hours: Date; readonly days: Date },
): Promise<void> {
  for (const [period, before] of [
    ["hour", hours.getTime()],
    ["day", days.getTime()],
  ] as const) {
    const old = backend.reader
      .selectFrom("api_key_usage")
      .select("starts_at")
      .where("period", "=", period)
      .where("starts_at", "<", before)
      .orderBy("starts_at")
      .limit(1);
    for (let row = await old.executeTakeFirst(); row !== undefined; row = await old.executeTakeFirst()) {
      const startsAt = row.starts_at;
      await backend.write((trx) =>
        trx
          .deleteFrom("api_key_usage")
          .where("period", "=", period)
          .where("starts_at", "=", startsAt)
          .execute(),
      );
    }
  }
  const spent = backend.reader
    .selectFrom("api_key_networks")
    .select("key_id")
    .where("last_used_at", "<", hours.getTime());
  if ((await spent.limit(1).executeTakeFirst()) === undefined) return;
  await backend.write((trx) =>
    trx.deleteFrom("api_key_networks").where("last_used_at", "<", hours.getTime()).execute(),
  );
}

interface KeyTotal {
  readonly id: string;
  readonly calls: number;
  /** 0 if none was allowed. */
  readonly lastUsedAt: number;
  readonly address: string | undefined;
  readonly agent: string | undefined;
}

/** UPDATE ... FROM takes only one of several rows for the same key, hence the sum. */
function sumByKey(usage: readonly ApiKeyUsage[]): readonly KeyTotal[] {
  const totals = new Map<string, KeyTotal>();
  for (const { id, calls, lastUsedAt, lastUsedAddress, lastUsedAgent } of usage) {
    if (calls === 0) continue;
    const one = {
      id,
      calls,
      lastUsedAt: lastUsedAt?.getTime() ?? 0,
      address: lastUsedAddress,
      agent: lastUsedAgent,
    };
    const known = totals.get(id) ?? { ...one, calls: 0 };
    const latest = one.lastUsedAt >= known.lastUsedAt ? one : known;
    totals.set(id, { ...latest, calls: known.calls + calls });
  }
  return [...totals.values()];
}

interface PeriodCount {
  readonly id: string;
  readonly period: UsagePeriod;
  readonly startsAt: number;
  readonly allowed: number;
  readonly denied: number;
}

/** ON CONFLICT takes a row once only, hence the sum by key before that by period. */
function sumByPeriod(usage: readonly ApiKeyUsage[]): readonly PeriodCount[] {
  const hours = new Map<string, UsageCount[]>();
  for (const { id, hours: counted = [] } of usage) hours.set(id, [...(hours.get(id) ?? []), ...counted]);
  return [...hours].flatMap(([id, counted]) => countsByPeriod(counted).map((count) => ({ id, ...count })));
}

/** `cells` names the columns of each row in order: the statement is the same for any number of them, and so prepared once. */
type Rows = (cells: string, rows: readonly (readonly (string | number | null)[])[]) => RawBuilder<unknown>;

function rowsBy(words: SqlWords): Rows {
  return (cells, rows) =>
    sql`(select ${sql.raw(cells)} from ${words.elements(JSON.stringify(rows))}) as noted`;
}

async function countTotals(trx: Trx, rowsOf: Rows, totals: readonly KeyTotal[]): Promise<void> {
  const rows = rowsOf(
    "value ->> 0 as id, cast(value ->> 1 as bigint) as calls, cast(value ->> 2 as bigint) as used_at, value ->> 3 as address, value ->> 4 as agent",
    totals.map((of) => [of.id, of.calls, of.lastUsedAt, textOf(of.address), textOf(of.agent)]),
  );
  const isLatest = sql`noted.used_at >= coalesce(last_used_at, 0)`;
  await sql`update api_keys set
    total_requests = total_requests + noted.calls,
    last_used_at = case when ${isLatest} then noted.used_at else last_used_at end,
    last_used_address = case when ${isLatest} then coalesce(noted.address, last_used_address) else last_used_address end,
    last_used_agent = case when ${isLatest} then coalesce(noted.agent, last_used_agent) else last_used_agent end
    from ${rows} where api_keys.id = noted.id`.execute(trx);
}

async function countPeriods(trx: Trx, rowsOf: Rows, counts: readonly PeriodCount[]): Promise<void> {
  const rows = rowsOf(
    "value ->> 0 as id, value ->> 1 as period, cast(value ->> 2 as bigint) as starts_at, cast(value ->> 3 as bigint) as allowed, cast(value ->> 4 as bigint) as denied",
    counts.map(({ id, period, startsAt, allowed, denied }) => [id, period, startsAt, allowed, denied]),
  );
  await sql`insert into api_key_usage (key_id, period, starts_at, allowed, denied)
    select id, period, starts_at, allowed, denied from ${rows}
    where id in (select id from api_keys)
    on conflict (key_id, period, starts_at) do update set
      allowed = api_key_usage.allowed + excluded.allowed, denied = api_key_usage.denied + excluded.denied`.execute(
    trx,
  );
}

interface Trace {
  readonly id: string;
  readonly text: string;
}

/** Of one key only so many: whoever holds it must not be able to fill the table. */
async function noteNetworks(
  trx: Trx,
  rowsOf: Rows,
  traces: readonly (Trace & { readonly at: number })[],
): Promise<void> {
  const latest = new Map(traces.map((trace) => [`${trace.id} ${trace.text}`, trace]));
  const rows = rowsOf(
    "value ->> 0 as id, value ->> 1 as network, cast(value ->> 2 as bigint) as used_at",
    [...latest.values()].map(({ id, text, at }) => [id, text, at]),
  );
  await sql`insert into api_key_networks (key_id, network, last_used_at)
    select id, network, used_at from ${rows}
    where id in (select id from api_keys) and
      (select count(*) from api_key_networks as known where known.key_id = noted.id and known.network <> noted.network) < ${rememberedNetworks}
    on conflict (key_id, network) do update set
      last_used_at = case when excluded.last_used_at > api_key_networks.last_used_at
        then excluded.last_used_at else api_key_networks.last_used_at end`.execute(trx);
}

async function noteScopes(trx: Trx, rowsOf: Rows, traces: readonly Trace[]): Promise<void> {
  const rows = rowsOf(
    "value ->> 0 as id, value ->> 1 as scope",
    traces.map(({ id, text }) => [id, text]),
  );
  await sql`insert into api_key_scopes (key_id, scope)
    select id, scope from ${rows} where id in (select id from api_keys)
    on conflict (key_id, scope) do nothing`.execute(trx);
}

function textOf(text: string | undefined): string | null {
  return text === undefined || !isStorableText(text) ? null : text;
}

function portions<T>(rows: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / portion) }, (_, at) =>
    rows.slice(at * portion, (at + 1) * portion),
  );
}
