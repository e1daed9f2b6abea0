import assert from "node:assert/strict";
import { it } from "node:test";
import { createRedigester } from "./redigester.ts";
import type { Redigested } from "./secret-contracts.ts";

const change = (id: string): Redigested => ({
  id,
  from: { digest: new Uint8Array([1]), pepperId: "p1" },
  to: { digest: new Uint8Array([2]), pepperId: "p2" },
});
const never = 1_000_000;

it("writes each key once, in portions, at the latest when it is closed", async () => {
  const written: string[][] = [];
  const redigester = createRedigester({
    flushEveryMs: never,
    secrets: { redigest: async (changes) => written.push(changes.map(({ id }) => id)) },
  });
  for (let id = 0; id < 450; id += 1) redigester.add(change(`k${id % 300}`));
  await redigester.close();
  assert.deepEqual(
    written.map(({ length }) => length),
    [200, 100],
  );
  assert.equal(new Set(written.flat()).size, 300);
});

it("leaves to its next use what cannot be written, and what is too much", async () => {
  const errors: unknown[] = [];
  let count = 0;
  const redigester = createRedigester({
    flushEveryMs: never,
    onError: (error) => errors.push(error),
    secrets: {
      redigest: async (changes) => {
        count += changes.length;
        if (count <= 200) throw new Error("away");
        return changes.length;
      },
    },
  });
  for (let id = 0; id < 10_050; id += 1) redigester.add(change(`k${id}`));
  await redigester.close();
  assert.equal(errors.length, 1);
  assert.equal(count, 10_000);
});
