import assert from "node:assert/strict";
import type { ApiKeyOrder, ApiKeyQuery, ApiKeyStore } from "../api-key-contracts.ts";
import { type Cases, newKey } from "./store-case.suite.ts";

const hour = 3_600_000;

export const keyOrderCases: Cases = {
  "are listed in each order from both ends, and no page passes one over": async (
    { users, apiKeys },
    clock,
  ) => {
    const { id: userId } = await users.create({ username: "ada" });
    const { id: other } = await users.create({ username: "bob" });
    const names = ["Beta", "alpha", "Ä", "_", "\u{1f511}", "\uffee", "zeta"];
    for (const [n, name] of names.entries()) {
      const expiresAt = n % 3 === 0 ? undefined : new Date(clock.ms + (10 - (n % 3)) * hour);
      await apiKeys.create(newKey(`k${n}`, userId, { name, expiresAt }));
      if (n % 2 === 0) clock.ms += 1000;
    }
    await apiKeys.create(newKey("k9", other, { name: "ALPHA" }));
    const used = (id: string, calls: number, ms: number) => ({ id, calls, lastUsedAt: new Date(ms) });
    await apiKeys.addUsage([used("k1", 5, 7000), used("k2", 5, 9000), used("k4", 1, 7000)]);
    const expected: Readonly<Record<ApiKeyOrder, string>> = {
      name: "k3,k1,k9,k0,k6,k2,k5,k4",
      createdAt: "k0,k1,k2,k3,k4,k5,k6,k9",
      lastUsedAt: "k0,k3,k5,k6,k9,k1,k4,k2",
      expiresAt: "k2,k5,k1,k4,k0,k3,k6,k9",
      totalRequests: "k0,k3,k5,k6,k9,k4,k1,k2",
    };
    for (const [by, ids] of Object.entries(expected) as [ApiKeyOrder, string][]) {
      for (const descending of [false, true]) {
        const inOrder = descending ? ids.split(",").reverse().join() : ids;
        for (const [limit, filter] of [
          [9, {}],
          [1, {}],
          [3, {}],
          [2, { userId }],
        ] as const) {
          const query = { limit, sort: { by, descending }, now: clock.date, ...filter };
          const wanted = "userId" in filter ? inOrder.replace(/,?k9/, "").replace(/^,/, "") : inOrder;
          const found = await everyPage(apiKeys, query);
          assert.equal(found, wanted, `${by}, ${descending ? "descending" : "ascending"}, ${limit} a page`);
        }
      }
    }
    const sort = { by: "name", descending: false } as const;
    await assert.rejects(
      () => apiKeys.list({ limit: 9, sort, now: clock.date, after: { id: "k1" } }),
      TypeError,
    );
  },
};

/** The ids of all pages of a list. */
async function everyPage(apiKeys: Pick<ApiKeyStore, "list">, query: ApiKeyQuery): Promise<string> {
  const ids: string[] = [];
  let after: ApiKeyQuery["after"];
  do {
    const page = await apiKeys.list({ ...query, after });
    ids.push(...page.map(({ id }) => id));
    after = page.length < query.limit ? undefined : page.at(-1);
  } while (after !== undefined && ids.length < 99);
  return ids.join();
}
