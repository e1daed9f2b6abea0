import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { createAuth } from "../core/auth.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { NewKeyImport } from "../store/key-import-contracts.ts";
import { createMemoryStore } from "../store/memory.ts";
import { newKey } from "../store/suite/store-case.suite.ts";
import { apiKey } from "./api-key.ts";
import { importedKey } from "./imported-key.ts";

const pepper = { id: "p1", secret: new Uint8Array(32).fill(5) };

/** A server with imported keys, which counts what its callers cost. */
async function setup(address = "192.0.2.1:1") {
  const store = createMemoryStore();
  const { id: userId } = await store.users.create({ username: "ada" });
  const cost = { states: 0, finds: 0, slow: 0 };
  const imports = {
    state() {
      cost.states += 1;
      return store.keyImports.state();
    },
    find(...args: Parameters<typeof store.keyImports.find>) {
      cost.finds += 1;
      return store.keyImports.find(...args);
    },
    settle: store.keyImports.settle.bind(store.keyImports),
  };
  const revocations = createRevocations();
  const common = { users: store.users, peppers: [pepper] as [typeof pepper] };
  const auth = createAuth<Principal>({
    authenticators: [
      apiKey({ ...common, keys: store.apiKeys }),
      importedKey({
        ...common,
        imports,
        openSecret: (sealed) => sealed,
        async verifySlowHash(hash, key) {
          cost.slow += 1;
          return hash === `slow ${key}`;
        },
      }),
    ],
    policy: [policyFor<Principal>().routes({ "GET /": "authenticated" })],
    revocations,
  });
  const add = async (name: string, more: Partial<NewKeyImport>) => {
    const { digest: _digest, ...key } = newKey(name, userId);
    await store.keyImports.add({ key, fingerprint: Buffer.from(name), algorithm: "sha256", ...more });
    revocations.apply({ kind: "key", keyId: name, state: "changed" });
  };
  const ask = async (key: string, from = address): Promise<string> => {
    const call = { ...fakeCall("GET /", { "x-api-key": [key] }), peer: { address: from } };
    const decision = await auth.decide(call);
    return decision.ok ? `ok ${decision.principal?.apiKey?.id}` : decision.denial.reason;
  };
  return { store, revocations, cost, auth, add, ask };
}

const sha256 = (text: string): Uint8Array => createHash("sha256").update(text).digest();

describe("imported keys", () => {
  it("cost nothing where there are none: one question, and none again until something changes", async () => {
    const { cost, ask, auth } = await setup();
    for (let times = 0; times < 20; times++)
      assert.equal(await ask(`unknown-key-${times}`), "API_KEY_INVALID");
    assert.deepEqual(cost, { states: 1, finds: 0, slow: 0 });
    const decision = auth.decide(fakeCall("GET /", { "x-api-key": ["another-one"] }));
    assert.ok(!(decision instanceof Promise), "at once");
  });

  it("are good from their import on, and warm without a question to the store", async () => {
    const { cost, ask, add, store } = await setup();
    assert.equal(await ask("their-key-1"), "API_KEY_INVALID");
    await add("k1", { lookup: sha256("their-key-1") });
    for (let times = 0; times < 5; times++) assert.equal(await ask("their-key-1"), "ok k1");
    assert.equal(cost.finds, 1);
    assert.equal((await store.keyImports.progress()).seen, 1);
    // Another node finds it by our digest alone.
    assert.deepEqual(Object.keys((await store.keyImports.state()).algorithms), ["countersign"]);
  });

  it("with a slow hash are only checked for who presents their prefix, and each so often", async () => {
    const { cost, ask, add } = await setup();
    await add("k1", { algorithm: "bcrypt", prefix: "legacy_7", hash: "slow legacy_7_good" });
    for (let times = 0; times < 5; times++) assert.equal(await ask(`legacy_8_${times}`), "API_KEY_INVALID");
    assert.equal(cost.slow, 0);
    const answers: string[] = [];
    for (let times = 0; times < 15; times++) answers.push(await ask(`legacy_7_${times}`));
    assert.equal(answers.filter((answer) => answer === "API_KEY_INVALID").length, 10);
    assert.equal(answers.filter((answer) => answer === "RATE_LIMITED").length, 5);
    assert.equal(cost.slow, 10);
  });

  it("that are none are bounded for each network, and whoever holds one is not kept out elsewhere", async () => {
    const { cost, ask, add } = await setup();
    await add("k1", { lookup: sha256("their-key-1") });
    const answers: string[] = [];
    for (let times = 0; times < 100; times++)
      answers.push(await ask(`unknown-key-${times}`, "[2001:db8::1]:9"));
    assert.equal(answers.filter((answer) => answer === "API_KEY_INVALID").length, 60);
    assert.equal(cost.finds, 60);
    assert.equal(await ask("their-key-1", "[2001:db8::2]:9"), "RATE_LIMITED", "the same /64");
    assert.equal(await ask("their-key-1", "[2001:db8:0:1::2]:9"), "ok k1");
    assert.equal(await ask("their-key-1", "[2001:db8::2]:9"), "ok k1", "remembered by now");
  });

  it("that are good do not use up what wrong ones may", async () => {
    const { ask, add } = await setup();
    for (let index = 0; index < 80; index++)
      await add(`k${index}x`, { fingerprint: sha256(String(index)), lookup: sha256(`their-key-${index}`) });
    for (let index = 0; index < 80; index++) assert.equal(await ask(`their-key-${index}`), `ok k${index}x`);
  });

  it("REGRESSION: a shared range with bits behind its length is taken, as everywhere else", () => {
    const store = createMemoryStore();
    const start = (sharedAddresses: readonly string[]) =>
      createAuth<Principal>({
        authenticators: [
          importedKey({
            ...{ users: store.users, peppers: [pepper], imports: store.keyImports, sharedAddresses },
            openSecret: (sealed) => sealed,
            verifySlowHash: async () => false,
          }),
        ],
        policy: [policyFor<Principal>().routes({ "GET /": "authenticated" })],
      });
    assert.ok(start(["10.0.0.1/8"]));
    assert.throws(() => start(["10.0.0.0/99"]), /neither an address nor a range/);
  });

  it("end like every other key", async () => {
    const { ask, add, store, revocations } = await setup();
    await add("k1", { lookup: sha256("their-key-1") });
    assert.equal(await ask("their-key-1"), "ok k1");
    await store.apiKeys.revoke("k1", { reason: "", by: "1" });
    revocations.apply({ kind: "key", keyId: "k1", state: "revoked" });
    assert.equal(await ask("their-key-1"), "API_KEY_REVOKED");
    await add("k2", { lookup: sha256("their-key-2") });
    await store.apiKeys.setDisabled("k2", true);
    assert.equal(await ask("their-key-2"), "API_KEY_DISABLED");
  });
});
