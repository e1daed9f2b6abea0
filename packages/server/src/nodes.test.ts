import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "countersign/store/memory";
import { readNodes, startHeartbeat } from "./nodes.ts";

async function heard(store: ReturnType<typeof createMemoryStore>): Promise<void> {
  const deadline = Date.now() + 5000;
  while ((await store.nodes.list()).length === 0) {
    assert.ok(Date.now() < deadline, "no heartbeat");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a node is seen with what it has not applied, falls silent, and is gone when it stops", async () => {
  const store = createMemoryStore();
  const addresses = { grpcAddress: "127.0.0.1:1", httpAddress: "127.0.0.1:2" };
  const revoke = (jti: string) =>
    store.revocations.append([{ kind: "token", issuer: "", jti, expiresAt: 4_000_000_000 }]);
  for (const jti of ["a", "b", "c"]) await revoke(jti);
  const feed = { head: 1, knownAt: performance.now() - 5000 };
  const heartbeat = startHeartbeat({ id: "n1", store, feed, addresses, onError: assert.ifError });
  await heard(store);
  await revoke("d");
  const { nodes, head } = await readNodes(store);
  const [node] = nodes;
  assert.deepEqual([head, nodes.length, node?.id, node?.isSilent], [4, 1, "n1", false]);
  assert.equal(node?.revocationLag, 2, "as it was when the node said so");
  const age = Date.now() - (node?.revocationsKnownAt.getTime() ?? 0);
  assert.ok(age >= 5000 && age < 60_000, String(age));
  const [silent] = (await readNodes(store, Date.now() + 30_001)).nodes;
  assert.deepEqual([silent?.isSilent, silent?.revocationLag], [true, 3]);
  await heartbeat.stop();
  assert.deepEqual((await readNodes(store)).nodes, []);
});
