import type { ChildProcess } from "node:child_process";
import { openPostgresStore } from "countersign/store/postgres";
import { quantile } from "./measure.ts";
import { call, message, start, stop } from "./processes.ts";
import type { NodeAnswer, NodeOrder } from "./scaling-node.ts";

/** What a number of nodes on one PostgreSQL do together. */
export interface NodesCosts {
  readonly nodes: number;
  readonly lookUpsPerSecond: number;
  readonly writesPerSecond: number;
  /** From the acknowledgement of a revocation until the last node refuses, in milliseconds. */
  readonly revocationP50: number;
  readonly revocationP99: number;
}

const revocations = 100;

export async function nodesCosts(url: string, nodes: number, milliseconds: number): Promise<NodesCosts> {
  const store = await openPostgresStore({ database: url });
  const page = await store.apiKeys.list({ limit: 1000, now: new Date() });
  const ids = page.map(({ id }) => id);
  const children = await Promise.all(Array.from({ length: nodes }, () => startNode(url)));
  try {
    const rate = async (kind: "look-ups" | "writes"): Promise<number> => {
      const answers = await Promise.all(children.map((child) => ask(child, { kind, milliseconds, ids })));
      return (answers.reduce((sum, { count }) => sum + count, 0) * 1000) / milliseconds;
    };
    const lookUpsPerSecond = await rate("look-ups");
    const writesPerSecond = await rate("writes");
    const delays: number[] = [];
    for (let n = 0; n < revocations; n += 1) {
      const sessionId = `session-${nodes}-${n}-${Math.random()}`;
      const watching = children.map((child) => ask(child, { kind: "watch", sessionId }));
      await store.revocations.append([{ kind: "session", sessionId, expiresAt: Date.now() / 1000 + 600 }]);
      const acknowledged = performance.timeOrigin + performance.now();
      const last = Math.max(...(await Promise.all(watching)).map(({ at }) => at));
      delays.push(Math.max(last - acknowledged, 0));
    }
    return {
      nodes,
      lookUpsPerSecond,
      writesPerSecond,
      revocationP50: quantile(delays, 0.5),
      revocationP99: quantile(delays, 0.99),
    };
  } finally {
    await Promise.all(children.map(stop));
    await store.close();
  }
}

async function startNode(url: string): Promise<ChildProcess> {
  const child = start("./scaling-node.ts", [url]);
  await message<NodeAnswer>(child);
  return child;
}

function ask(child: ChildProcess, order: NodeOrder): Promise<NodeAnswer> {
  return call(child, order);
}
