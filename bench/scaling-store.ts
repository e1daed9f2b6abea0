import type { Store } from "countersign/store";
import { quantile } from "./measure.ts";

/** What one store costs at one size, in milliseconds. */
export interface StoreCosts {
  /** A key and its owner, which were not read before: what a first check of a credential waits for. */
  readonly coldP50: number;
  readonly coldP99: number;
  readonly createP50: number;
  readonly firstPage: number;
  /** In the middle of the list. */
  readonly middlePage: number;
  /** Part of a username, with no index to help. */
  readonly search: number;
  /** How many keys need which pepper: for whoever changes it. */
  readonly pepperUse: number;
  /** Which peppers are needed: asked once at each start. */
  readonly pepperIds: number;
}

const samples = 1500;
const creations = 150;

export async function storeCosts(store: Store, keys: number): Promise<StoreCosts> {
  const now = new Date();
  const { apiKeys, users, secrets } = store;
  const middle = { createdAt: new Date(1_750_000_000_000 + Math.floor(keys / 2)), id: "" };
  const ids = await sampleOf(store, keys);
  const cold: number[] = [];
  for (const id of ids) {
    cold.push(
      await timed(async () => {
        const key = await apiKeys.load(id);
        if (key === undefined || (await users.load(key.userId)) === undefined) throw new Error("it is there");
      }),
    );
  }
  const created: number[] = [];
  for (let n = 0; n < creations; n += 1) {
    const key = { id: `new-${n}-${Math.random()}`, name: `new-${n}`, type: "service", userId: "1" };
    created.push(await timed(() => apiKeys.create({ ...key, digest: new Uint8Array(32), pepperId: "p1" })));
  }
  const repeated = async (work: () => Promise<unknown>): Promise<number> => {
    const all: number[] = [];
    for (let turn = 0; turn < 7; turn += 1) all.push(await timed(work));
    return quantile(all, 0.5);
  };
  return {
    coldP50: quantile(cold, 0.5),
    coldP99: quantile(cold, 0.99),
    createP50: quantile(created, 0.5),
    firstPage: await repeated(() => apiKeys.list({ limit: 50, now })),
    middlePage: await repeated(() => apiKeys.list({ limit: 50, now, after: middle })),
    search: await repeated(() => users.list({ limit: 50, text: "no-such-name" })),
    pepperUse: await repeated(() => secrets.pepperUse(now)),
    pepperIds: await repeated(() => secrets.pepperIds()),
  };
}

/** Ids from all over the list, by pages that begin at random places. */
async function sampleOf({ apiKeys }: Store, keys: number): Promise<readonly string[]> {
  const ids: string[] = [];
  while (ids.length < samples) {
    const createdAt = new Date(1_750_000_000_000 + Math.ceil(Math.random() * keys) + 1);
    const page = await apiKeys.list({ limit: 5, now: new Date(), after: { createdAt, id: "" } });
    ids.push(...page.map(({ id }) => id));
  }
  // Each once: whatever a database keeps in memory, it has not just been asked for it.
  return [...new Set(ids)];
}

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
