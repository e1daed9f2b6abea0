import { sql, type Transaction } from "kysely";
import { CallWindow, requireTake, type Slot } from "../../limits/call-window.ts";
import { limitId } from "../../limits/limit-id.ts";
import type { LimitStore, LimitTake, LimitUsage, LimitVerdict } from "../../limits/limit-store.ts";
import { pruneTable } from "./prune-table.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

type Reader = Pick<Transaction<SqlSchema>, "selectFrom" | "selectNoFrom">;

interface Waiting {
  readonly takes: readonly LimitTake[];
  readonly resolve: (verdict: LimitVerdict) => void;
  readonly reject: (error: unknown) => void;
}

/** What was read of the rows that a transaction needs, by the text of their ids. */
type Windows = ReadonlyMap<string, CallWindow>;

/** How many calls one transaction counts. */
const mostTogether = 200;

/**
 * Calls that come while a transaction is under way are counted together in the next one, in their order: their cost is that of
 * one. Nobody else writes between what a transaction reads and its commit.
 */
export class SqlLimits implements LimitStore {
  readonly #backend: SqlBackend;
  readonly #given: (() => number) | undefined;
  readonly #waiting: Waiting[] = [];
  #counting = false;

  /** `given`: a clock. Default: the server's. */
  constructor(backend: SqlBackend, given: (() => number) | undefined) {
    this.#backend = backend;
    this.#given = given;
  }

  async take(takes: readonly LimitTake[]): Promise<LimitVerdict> {
    for (const take of takes) requireTake(take);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ takes, resolve, reject });
      if (!this.#counting) void this.#countAll();
    });
  }

  async takeBack(takes: readonly LimitTake[]): Promise<void> {
    await this.#backend.write(async (trx) => {
      const windows = await read(trx, takes);
      for (const take of takes) windows.get(idOf(take))?.takeBack(take.calls ?? 1);
      await write(trx, takes, windows);
    });
  }

  async usage(takes: readonly LimitTake[]): Promise<readonly LimitUsage[]> {
    for (const take of takes) requireTake(take);
    const { reader } = this.#backend;
    const now = await this.#now(reader);
    const windows = await read(reader, takes);
    return takes.map((take) => {
      const window = windows.get(idOf(take)) ?? new CallWindow();
      window.expire(take.limit, now);
      return window.usage(take.limit, now);
    });
  }

  async reset(takes: readonly LimitTake[]): Promise<void> {
    if (takes.length === 0) return;
    await this.#backend.write((trx) =>
      trx.deleteFrom("call_limits").where("id", "in", takes.map(limitId)).execute(),
    );
  }

  async prune(): Promise<void> {
    const isSpent = sql<boolean>`expires_at <= ${await this.#now(this.#backend.reader)}`;
    await pruneTable(this.#backend, { table: "call_limits", key: "id", isSpent });
  }

  async #countAll(): Promise<void> {
    this.#counting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, mostTogether);
      try {
        const verdicts = await this.#backend.write((trx) => this.#count(trx, batch));
        for (const [index, { resolve, reject }] of batch.entries()) {
          const verdict = verdicts[index];
          if (verdict === undefined) reject(new TypeError("a call was not counted"));
          else resolve(verdict);
        }
      } catch (error) {
        // Who came meanwhile has waited for long enough, too.
        for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#counting = false;
  }

  async #count(trx: Transaction<SqlSchema>, batch: readonly Waiting[]): Promise<readonly LimitVerdict[]> {
    const all = batch.flatMap(({ takes }) => takes);
    const now = await this.#now(trx);
    const windows = new Map(await read(trx, all));
    const counted: LimitTake[] = [];
    const verdicts = batch.map(({ takes }) => {
      const verdict = countOne(takes, windows, now);
      if (verdict.ok) counted.push(...takes);
      return verdict;
    });
    await write(trx, counted, windows);
    return verdicts;
  }

  async #now(db: Reader): Promise<number> {
    const { clock } = this.#backend.words;
    if (this.#given !== undefined) return this.#given();
    if (clock === undefined) return Date.now();
    const { now } = await db.selectNoFrom(sql<number>`${sql.raw(clock)}`.as("now")).executeTakeFirstOrThrow();
    return Number(now);
  }
}

function countOne(takes: readonly LimitTake[], windows: Map<string, CallWindow>, now: number): LimitVerdict {
  let full: LimitTake | undefined;
  let longest = 0;
  const found = takes.map((take) => {
    const id = idOf(take);
    const window = windows.get(id) ?? new CallWindow();
    windows.set(id, window);
    window.expire(take.limit, now);
    const wait = window.waitMs(take.limit, take.calls ?? 1, now);
    if (wait > longest) [full, longest] = [take, wait];
    return window;
  });
  if (full !== undefined) return { ok: false, full, retryAfterSeconds: longest / 1000 };
  for (const [index, { limit, calls = 1 }] of takes.entries()) found[index]?.add(limit, calls, now);
  return { ok: true };
}

async function read(db: Reader, takes: readonly LimitTake[]): Promise<Windows> {
  if (takes.length === 0) return new Map();
  const ids = new Map(takes.map((take) => [idOf(take), limitId(take)]));
  const rows = await db
    .selectFrom("call_limits")
    .select(["id", "slots"])
    .where("id", "in", [...ids.values()])
    .execute();
  return new Map(rows.map(({ id, slots }) => [textOf(id), new CallWindow(JSON.parse(slots) as Slot[])]));
}

async function write(
  trx: Transaction<SqlSchema>,
  takes: readonly LimitTake[],
  windows: Windows,
): Promise<void> {
  const rows = new Map(
    takes.flatMap((take) => {
      const window = windows.get(idOf(take));
      if (window === undefined) return [];
      const row = { slots: JSON.stringify(window.slots), expires_at: window.expiresAt(take.limit) };
      return [[idOf(take), { id: limitId(take), ...row }]];
    }),
  );
  if (rows.size === 0) return;
  await trx
    .insertInto("call_limits")
    .values([...rows.values()])
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet((eb) => ({
        slots: eb.ref("excluded.slots"),
        expires_at: eb.ref("excluded.expires_at"),
      })),
    )
    .execute();
}

function idOf(take: LimitTake): string {
  return textOf(limitId(take));
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id).toString("base64");
}
