import assert from "node:assert/strict";
import { it } from "node:test";
import { reasonOf } from "../core/fakes.suite.ts";
import { createKeyDigests } from "../keys/key-digest.ts";
import { parseApiKey } from "../keys/key-format.ts";
import type { Redigested } from "../store/secret-contracts.ts";
import { pepper } from "./accounts.suite.ts";
import { noon, setup } from "./api-key.suite.ts";

const fresh = { id: "fresh", secret: new Uint8Array(32).fill(9) };

function listening(
  given: Parameters<typeof setup>[0] = {},
  peppers: readonly [typeof pepper, ...(typeof pepper)[]] = [fresh, pepper],
) {
  const heard: Redigested[] = [];
  return { heard, ...setup(given, { peppers, onOlderPepper: (change) => void heard.push(change) }) };
}

it("tells the digest under the current pepper of a key that is right, once for each reading", () => {
  const { heard, now, key, record } = listening();
  assert.equal(reasonOf(now()), "ok");
  assert.equal(reasonOf(now()), "ok");
  const [change] = heard;
  assert.equal(heard.length, 1);
  assert.deepEqual(change?.from, { digest: record.digest, pepperId: pepper.id });
  assert.equal(change?.to.pepperId, "fresh");
  const body = parseApiKey(key, {})?.body ?? "";
  assert.ok(createKeyDigests([fresh]).matches(body, change?.to));
});

it("says nothing of a key that is wrong, refused, or under the current pepper", () => {
  const wrong = listening({ digest: new Uint8Array(32) });
  assert.equal(reasonOf(wrong.now()), "API_KEY_INVALID");
  const revoked = listening({ revokedAt: new Date(noon) });
  assert.equal(reasonOf(revoked.now()), "API_KEY_REVOKED");
  const current = listening({}, [pepper, fresh]);
  assert.equal(reasonOf(current.now()), "ok");
  assert.deepEqual([wrong.heard, revoked.heard, current.heard], [[], [], []]);
});
