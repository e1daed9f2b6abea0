import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { Refusal } from "../core/refusal.ts";
import { signToken } from "../jwt/signer.ts";
import { createTokenVerifier } from "../jwt/verifier.ts";
import { createSeal } from "../session/seal.ts";
import { Conflict, type Store } from "../store/contracts.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { SigningKeyStore } from "../store/session-contracts.ts";
import { generateKey } from "./key-material.ts";
import { sealKey, UnreadableSigningKey } from "./sealed-key.ts";
import { createSigningKeys, type SigningKeys, type SigningKeysOptions } from "./signing-keys.ts";

const seal = createSeal(randomBytes(32));
const minute = 60_000;

/** Nodes that share a store and a clock. They read the store when they are told to. */
function cluster(more: Partial<SigningKeysOptions> = {}) {
  const clock = { ms: Date.UTC(2026, 0, 1, 12) };
  const store: Store = createMemoryStore({ now: () => clock.ms });
  const errors: unknown[] = [];
  const node = (own: Partial<SigningKeysOptions> = {}): SigningKeys =>
    createSigningKeys({
      store: store.signingKeys,
      seal,
      algorithm: "ES256",
      lifetimeSeconds: 900,
      pollEveryMs: 3_600_000,
      now: () => new Date(clock.ms),
      onError: (error) => errors.push(error),
      ...more,
      ...own,
    });
  return { clock, store, errors, node };
}

async function started(
  t: { after(work: () => Promise<void>): void },
  node: SigningKeys,
): Promise<SigningKeys> {
  await node.start();
  t.after(() => node.stop());
  return node;
}

const kidsOf = (keys: SigningKeys): readonly unknown[] => keys.ring().keys.map(({ kid }) => kid);
const publishedBy = (keys: SigningKeys): readonly unknown[] => keys.jwks().keys.map(({ kid }) => kid);

async function until(ask: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!ask()) {
    assert.ok(performance.now() < end, "not in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("a rotation", () => {
  test("publishes before it signs, and goes on accepting until everything has expired", async (t) => {
    const { clock, node } = cluster();
    const [here, there] = [await started(t, node()), await started(t, node())];
    const first = here.current().kid;
    assert.equal(there.current().kid, first);
    clock.ms += 1;
    const { kid: second, activeFrom } = await here.rotate({}, "7");
    assert.equal(activeFrom.getTime() - clock.ms, 10 * minute);
    await there.load();
    for (const keys of [here, there]) {
      assert.deepEqual(
        [kidsOf(keys), publishedBy(keys)],
        [
          [first, second],
          [first, second],
        ],
      );
    }
    clock.ms += 10 * minute - 1;
    assert.equal(here.current().kid, first);
    clock.ms += 1;
    for (const keys of [here, there]) assert.equal(keys.current().kid, second);
    // The last token of the first key lives for 15 minutes, and clocks differ.
    clock.ms += 20 * minute - 1;
    await here.load();
    assert.deepEqual(kidsOf(here), [first, second]);
    clock.ms += 1;
    await here.load();
    assert.deepEqual([kidsOf(here), publishedBy(here)], [[second], [second]]);
  });

  test("at any moment of many of them, there is a signer that every node accepts", async (t) => {
    const { clock, node } = cluster({ algorithm: "HS256", publishAheadSeconds: 60 });
    const [here, there] = [await started(t, node()), await started(t, node())];
    const verifiers = [here, there].map((keys) => createTokenVerifier({ keys: () => keys.ring() }));
    const issued: { token: string; until: number }[] = [];
    for (let step = 0; step < 200; step++) {
      clock.ms += 20_000;
      if (step % 7 === 0) await here.rotate({ when: step % 2 === 0 ? "soon" : "published" }, "7");
      // One node lags behind by one step.
      await (step % 2 === 0 ? here : there).load();
      const seconds = Math.floor(clock.ms / 1000);
      for (const keys of [here, there]) {
        const claims = { sub: "7", iat: seconds, exp: seconds + 900, token_type: "access" };
        issued.push({ token: signToken(claims, keys.current()), until: (seconds + 900) * 1000 });
      }
      for (const { token, until: end } of issued) {
        if (end <= clock.ms) continue;
        for (const verifier of verifiers) {
          const result = await verifier.verify(token, clock.ms);
          assert.ok(result.ok, `step ${step}: ${JSON.stringify(result)}`);
        }
      }
    }
  });

  test("soon is in two seconds, when every node knows the key", async (t) => {
    const { clock, node } = cluster();
    const keys = await started(t, node());
    const { kid } = await keys.rotate({ when: "soon" }, "7");
    assert.notEqual(keys.current().kid, kid);
    clock.ms += 2000;
    assert.equal(keys.current().kid, kid);
  });

  test("that removes the others signs at once", async (t) => {
    const { clock, store, node } = cluster();
    const [here, there] = [await started(t, node()), await started(t, node())];
    const first = here.current().kid;
    const { kid } = await here.rotate({ others: "remove" }, "7");
    assert.deepEqual([here.current().kid, kidsOf(here)], [kid, [kid]]);
    assert.deepEqual(kidsOf(there), [first]);
    await there.load();
    assert.deepEqual([there.current().kid, kidsOf(there), publishedBy(there)], [kid, [kid], [kid]]);
    const { events } = await store.revocations.live(new Date(clock.ms));
    assert.deepEqual(
      events.map((event) => event.kind === "signing-key" && event.kid),
      [first],
    );
  });

  test("signs the same rotation of a session with the same key again", async (t) => {
    const { clock, node } = cluster();
    const keys = await started(t, node());
    const first = keys.current().kid;
    const rotatedAt = new Date(clock.ms);
    await keys.rotate({ when: "soon" }, "7");
    clock.ms += 5000;
    assert.notEqual(keys.current().kid, first);
    assert.equal(keys.current(rotatedAt).kid, first);
    // Not once it is removed.
    await keys.remove(String(first), "7");
    assert.equal(keys.current(rotatedAt).kid, keys.current().kid);
  });
});

describe("retiring", () => {
  test("the key that signs makes its successor; one that has it is left as it is", async (t) => {
    const { clock, node } = cluster();
    const keys = await started(t, node());
    const first = String(keys.current().kid);
    const retired = await keys.retire(first, "7");
    assert.equal(retired?.retiredAt?.getTime(), clock.ms + 10 * minute);
    assert.equal(kidsOf(keys).length, 2);
    assert.deepEqual(await keys.retire(first, "7"), retired);
    assert.equal(await keys.retire("nope", "7"), undefined);
    assert.equal(kidsOf(keys).length, 2);
  });

  test("at once leaves another key that signs at once", async (t) => {
    const { node } = cluster();
    const keys = await started(t, node());
    const first = String(keys.current().kid);
    const { kid: pending } = await keys.rotate({}, "7");
    await keys.remove(first, "7");
    assert.notEqual(keys.current().kid, first);
    assert.ok(!kidsOf(keys).includes(first));
    assert.ok(kidsOf(keys).includes(pending));
    assert.equal(await keys.remove("nope", "7"), undefined);
  });
});

test("REGRESSION: a command, which has loaded no key, leaves no time in which nothing signs", async (t) => {
  const { node } = cluster();
  const keys = await started(t, node());
  await node().remove(String(keys.current().kid), "7");
  await keys.load();
  assert.equal(kidsOf(keys).length, 1);
  assert.ok(keys.current());
});

describe("kinds of keys", () => {
  test("shared secrets are never published", async (t) => {
    const { node } = cluster({ algorithm: "HS256" });
    const keys = await started(t, node());
    assert.deepEqual([keys.jwks().keys, keys.ring().keys.length], [[], 1]);
  });

  test("shared secrets and asymmetric keys are never accepted side by side", async (t) => {
    const { node } = cluster({ algorithm: "HS256" });
    const keys = await started(t, node());
    const refused = (work: () => Promise<unknown>) =>
      assert.rejects(work, (error) => error instanceof Conflict && error.field === "algorithm");
    await refused(() => keys.rotate({ algorithm: "RS256" }, "7"));
    await keys.rotate({ algorithm: "EdDSA", others: "remove" }, "7");
    assert.equal(keys.current().algorithm, "EdDSA");
    await refused(() => keys.rotate({}, "7"));
    const text = JSON.stringify({ kty: "oct", k: randomBytes(32).toString("base64url") });
    await refused(() => keys.import({ text }, {}, "7"));
    // From one asymmetric algorithm to another is no such step.
    await keys.rotate({ algorithm: "ES256", when: "soon" }, "7");
    assert.equal(keys.ring().keys.length, 2);
  });

  test("should both be there, the signer's kind counts alone", async (t) => {
    const { clock, store, errors, node } = cluster();
    const keys = await started(t, node());
    const first = keys.current().kid;
    const activeFrom = new Date(clock.ms + minute);
    const shared = sealKey(await generateKey("HS256"), seal, { activeFrom, lifetimeSeconds: 900 });
    await store.signingKeys.rotate(shared, "retire", "7");
    await keys.load();
    assert.deepEqual([kidsOf(keys), errors.length], [[first], 1]);
    clock.ms += minute;
    await keys.load();
    assert.deepEqual([kidsOf(keys), keys.current().kid, publishedBy(keys)], [[shared.kid], shared.kid, []]);
  });
});

describe("a start", () => {
  test("makes the first key, which signs at once, and no second one", async (t) => {
    const { store, node } = cluster();
    const nodes = await Promise.all(Array.from({ length: 5 }, () => started(t, node())));
    assert.equal(new Set(nodes.map((keys) => keys.current().kid)).size, 1);
    assert.equal((await store.audit.list({ limit: 9 })).length, 1);
    assert.equal((await started(t, node())).current().kid, nodes[0]?.current().kid);
  });

  test("stops at a key that cannot be opened", async () => {
    const { store, node } = cluster();
    await node().start();
    const other = node({ seal: createSeal(randomBytes(32)) });
    await assert.rejects(() => other.start(), UnreadableSigningKey);
    await assert.rejects(async () => other.currentFor(60), UnreadableSigningKey);
    assert.throws(() => other.ring());
    // Who has lost the master key begins anew.
    const { kid } = await other.rotate({ others: "remove" }, "7");
    await other.start();
    await other.stop();
    assert.equal(other.current().kid, kid);
    assert.equal((await store.signingKeys.list(new Date())).length, 1);
  });

  test("needs a store", async () => {
    const { node } = cluster({ store: { ...failing } });
    await assert.rejects(() => node().start(), /the store is away/);
  });

  test("with an algorithm that there is not is a mistake", () => {
    assert.throws(() => cluster().node({ algorithm: "none" as "HS256" }), TypeError);
  });
});

const away = (): Promise<never> => Promise.reject(new Error("the store is away"));
const failing: SigningKeyStore = { createFirst: away, rotate: away, list: away, remove: away, extend: away };

describe("following the store", () => {
  test("keys made and removed elsewhere are taken up within a poll", async (t) => {
    const { node, clock } = cluster();
    const elsewhere = node();
    const keys = await started(t, node({ pollEveryMs: 5 }));
    const first = String(keys.current().kid);
    const { kid } = await elsewhere.rotate({ when: "soon" }, "7");
    await until(() => kidsOf(keys).includes(kid));
    clock.ms += 2000;
    await elsewhere.remove(first, "7");
    await until(() => !kidsOf(keys).includes(first));
    await elsewhere.load();
    // The ring changes only when its keys do: what is remembered of it holds.
    const ring = keys.ring();
    await keys.load();
    assert.equal(keys.ring(), ring);
  });

  test("without its store, a node goes on with the keys that it has, and lets go of them in time", async (t) => {
    const { store, node, clock, errors } = cluster();
    let broken = false;
    const list: SigningKeyStore["list"] = (now) => (broken ? away() : store.signingKeys.list(now));
    const flaky: SigningKeyStore = Object.assign(Object.create(store.signingKeys), { list });
    for (const name of ["createFirst", "rotate", "remove", "extend"] as const) {
      Object.assign(flaky, { [name]: store.signingKeys[name].bind(store.signingKeys) });
    }
    const keys = await started(t, node({ store: flaky, pollEveryMs: 5 }));
    const first = keys.current().kid;
    const { kid } = await keys.rotate({}, "7");
    broken = true;
    await until(() => errors.length > 2);
    assert.equal(keys.current().kid, first);
    clock.ms += 10 * minute;
    assert.equal(keys.current().kid, kid);
    clock.ms += 20 * minute;
    await until(() => kidsOf(keys).length === 1);
    assert.deepEqual(kidsOf(keys), [kid]);
    broken = false;
    await keys.load();
    assert.equal(keys.current().kid, kid);
  });

  test("a key that another node has sealed under another master key is left out, and told of once", async (t) => {
    const { node, clock, errors } = cluster();
    const keys = await started(t, node({ pollEveryMs: 5 }));
    const first = keys.current().kid;
    const { kid } = await node({ seal: createSeal(randomBytes(32)) }).rotate({ when: "soon" }, "7");
    await until(() => errors.length > 0);
    clock.ms += 2000;
    // It would sign now, and this node cannot: nothing is signed rather than with a key that was retired.
    await until(() => errors.length > 0 && keys.ring().keys.length === 1);
    await assert.rejects(
      () => keys.load(),
      (error) => error instanceof UnreadableSigningKey && error.kid === kid,
    );
    const opened = errors.filter((error) => error instanceof UnreadableSigningKey);
    assert.equal(opened.length, 1);
    assert.deepEqual(kidsOf(keys), [first]);
  });

  test("where nothing signs, nobody is told that a credential is bad", () => {
    const keys = cluster().node();
    assert.throws(
      () => keys.current(),
      (error) => error instanceof Refusal && error.denial.reason === "UNAVAILABLE",
    );
    assert.throws(() => keys.ring());
    assert.deepEqual(keys.jwks().keys, []);
  });
});

describe("lifetimes", () => {
  test("a key is kept for the longest-lived token that it was asked for", async (t) => {
    const { clock, node } = cluster();
    const keys = await started(t, node());
    const key = await keys.currentFor(86_400);
    assert.equal(key.kid, keys.current().kid);
    await keys.rotate({ when: "soon" }, "7");
    clock.ms += 86_400_000;
    await keys.load();
    assert.ok(kidsOf(keys).includes(key.kid));
    clock.ms += 10 * minute;
    await keys.load();
    assert.ok(!kidsOf(keys).includes(key.kid));
  });

  test("a node with longer-lived tokens says so of the keys of others", async (t) => {
    const { node } = cluster();
    const short = await started(t, node({ lifetimeSeconds: 60 }));
    assert.deepEqual(
      (await short.list()).map((key) => key.lifetimeSeconds),
      [60],
    );
    await started(t, node({ lifetimeSeconds: 7200 }));
    assert.deepEqual(
      (await short.list()).map((key) => key.lifetimeSeconds),
      [7200],
    );
  });

  test("a node that follows the store asks it only about tokens that outlive what the key is kept for", async (t) => {
    const { store, node } = cluster();
    const { signingKeys } = store;
    const extend = t.mock.method(signingKeys, "extend");
    const keys = await started(t, node({ lifetimeSeconds: 60 }));
    const key = keys.currentFor(60);
    assert.ok(!(key instanceof Promise));
    assert.equal(extend.mock.callCount(), 0);
    assert.equal((await keys.currentFor(61)).kid, key.kid);
    assert.equal(extend.mock.callCount(), 1);
    await keys.load();
    assert.ok(!(keys.currentFor(61) instanceof Promise));
    await keys.stop();
    assert.ok(keys.currentFor(60) instanceof Promise);
  });

  test("a key for a token is made where there is none", async () => {
    const { node } = cluster();
    const [one, other] = [node(), node()];
    assert.equal((await one.currentFor(60)).kid, (await other.currentFor(60)).kid);
  });
});

describe("a key from elsewhere", () => {
  test("is published, signs when its time has come, and is never taken twice", async (t) => {
    const { clock, node } = cluster();
    const keys = await started(t, node());
    const { privateKey } = generateKeyPairSync("ed25519");
    const text = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    const { kid, algorithm } = await keys.import({ text }, {}, "7");
    assert.equal(algorithm, "EdDSA");
    assert.ok(publishedBy(keys).includes(kid));
    assert.notEqual(keys.current().kid, kid);
    clock.ms += 10 * minute;
    assert.equal(keys.current().kid, kid);
    await assert.rejects(
      () => keys.import({ text }, {}, "7"),
      (error) => error instanceof Conflict && error.field === "kid",
    );
    await assert.rejects(() => keys.import({ text: "nonsense" }, {}, "7"), TypeError);
  });
});
