import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { createKeyDigests } from "./key-digest.ts";

const old = { id: "2025", secret: new Uint8Array(32).fill(1) };
const current = { id: "2026", secret: new Uint8Array(32).fill(2) };

describe("key digests", () => {
  it("are HMAC-SHA-256 under the first pepper, whose id stands beside them", () => {
    const { digest, pepperId } = createKeyDigests([current, old]).digest("body");
    assert.equal(pepperId, "2026");
    assert.deepEqual(Buffer.from(digest), createHmac("sha256", current.secret).update("body").digest());
    assert.ok(!Buffer.isBuffer(digest));
  });

  it("made under an older pepper are still recognised, and under another one they are not", () => {
    const stored = createKeyDigests([old]).digest("body");
    assert.ok(createKeyDigests([current, old]).matches("body", stored));
    assert.ok(!createKeyDigests([current, old]).matches("other", stored));
    assert.ok(!createKeyDigests([current, old]).matches("body", { ...stored, pepperId: "2026" }));
    const impostor = { id: "2025", secret: randomBytes(32) };
    assert.ok(!createKeyDigests([impostor]).matches("body", stored));
  });

  it("of a pepper that is not configured throw: this server cannot tell", () => {
    const stored = createKeyDigests([old]).digest("body");
    assert.throws(() => createKeyDigests([current]).matches("body", stored), /no pepper with the id "2025"/);
  });

  it("of the wrong length, and none at all, match nothing", () => {
    const digests = createKeyDigests([current]);
    for (const digest of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(64), new Uint8Array(32)]) {
      assert.ok(!digests.matches("body", { digest, pepperId: "2026" }));
    }
    assert.ok(!digests.matches("body", undefined));
  });

  it("hide their work from a change of the pepper that they were made with", () => {
    const secret = new Uint8Array(32).fill(3);
    const digests = createKeyDigests([{ id: "x", secret }]);
    const before = digests.digest("body").digest;
    secret.fill(0);
    assert.deepEqual(digests.digest("body").digest, before);
  });

  it("need peppers that are some", () => {
    assert.throws(() => createKeyDigests([] as never), TypeError);
    assert.throws(() => createKeyDigests([current, { ...old, id: "2026" }]), /two peppers/);
    assert.throws(() => createKeyDigests([{ id: "x", secret: new Uint8Array(31) }]), /shorter than 32/);
    assert.throws(() => createKeyDigests([{ id: "x", secret: "a".repeat(64) as never }]), TypeError);
    for (const id of ["", "a b", "a".repeat(33), "ä"])
      assert.throws(() => createKeyDigests([{ ...old, id }]), TypeError);
  });
});

describe("the work of matches()", () => {
  it("is one HMAC over the whole key and one comparison, for a known id and for an unknown one", async (t) => {
    const crypto = await import("node:crypto");
    const digests = createKeyDigests([current]);
    const stored = digests.digest("body");
    const update = t.mock.method(crypto.Hmac.prototype, "update");
    const work = (run: () => void) => {
      const before = update.mock.callCount();
      run();
      return update.mock.calls.slice(before).map(({ arguments: [data] }) => data);
    };
    assert.deepEqual(
      work(() => digests.matches("body", stored)),
      ["body"],
    );
    assert.deepEqual(
      work(() => digests.matches("wrong", stored)),
      ["wrong"],
    );
    assert.deepEqual(
      work(() => digests.matches("wrong", undefined)),
      ["wrong"],
    );
    assert.deepEqual(
      work(() => digests.matches("wrong", { digest: new Uint8Array(1), pepperId: "2026" })),
      ["wrong"],
    );
  });
});
