import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Refusal } from "../core/refusal.ts";
import { createSeal } from "../session/seal.ts";
import { contextFrom, guessAround, home, right, setup, stranger, wrong } from "./login.suite.ts";

describe("GHSA-cq42: strangers who guess", () => {
  it("keep nobody out who logs in from where they have logged in before", async () => {
    const parts = await setup();
    const { attempt, clock } = parts;
    assert.equal(await attempt(right, "ada", home), "ok");
    await guessAround(parts, 10);
    assert.equal(await attempt(right, "ada", stranger(9)), "RATE_LIMITED");
    assert.equal(await attempt(right, "ada", home), "ok");
    // Another address of the same IPv6 network, and another port, are no other place.
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", "[2001:db8:0:7::1]:5"), "ok");
    await guessAround(parts, 10);
    assert.equal(await attempt(right, "ada", "[2001:db8:0:7:ffff::2]:9"), "ok");
    assert.equal(await attempt(right, "ada", "[2001:db8:0:8::1]:5"), "RATE_LIMITED");
  });

  it("and those at a known address have ten guesses each, however many such addresses there are", async () => {
    const parts = await setup();
    const { attempt, clock, passwords } = parts;
    const known = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"];
    for (const address of known) assert.equal(await attempt(right, "ada", address), "ok");
    clock.now += 1_000_000;
    const [began, before] = [clock.now, passwords.verified];
    for (let n = 0; clock.now < began + 900_000; n += 1) {
      await attempt(wrong, "ada", known[n % 3]);
      await attempt(wrong, "ada", stranger(n));
      clock.now += 500;
    }
    assert.equal(passwords.verified - before, 20);
  });

  it("cannot do so by way of an address that many share", async () => {
    const parts = await setup();
    const { attempt } = parts;
    for (const shared of ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "", "/run/socket"]) {
      assert.equal(await attempt(right, "ada", shared), "ok");
      await guessAround(parts, 10);
      assert.equal(await attempt(right, "ada", shared), "RATE_LIMITED", shared);
      parts.clock.now += 1_000_000;
    }
  });
});

describe("CVE-2024-4629, CVE-2025-6004, GHSA-p6v2: guesses from one network", () => {
  for (const [what, addressOf, looked] of [
    ["IPv4", (n: number) => `192.0.2.9:${n + 1}`, 30],
    ["IPv4 in IPv6", (n: number) => (n % 2 === 0 ? "192.0.2.9:1" : "[::ffff:c000:209]:1"), 30],
    ["one /64", (n: number) => `[2001:db8:1:2:${n.toString(16)}::1]:1`, 30],
    ["many /64", (n: number) => `[2001:db8:1:${n.toString(16)}::1]:1`, 100],
  ] as const) {
    it(`at ever new names are limited, whatever headers say: ${what}`, async () => {
      const { attempt, passwords, clock } = await setup(undefined, { failuresPerNetwork: 30 });
      for (let n = 0; n < 100; n += 1) await attempt(wrong, `name${n}`, addressOf(n));
      assert.equal(passwords.verified, looked);
      if (looked === 100) return;
      assert.equal(await attempt(right, "ada", addressOf(0)), "RATE_LIMITED");
      assert.equal(await attempt(right, "ada", "192.0.2.10:1"), "ok");
      clock.now += 900_000;
      assert.equal(await attempt(right, "ada", addressOf(0)), "ok");
    });
  }

  it("are not counted if they are right, and a right one does not forget the others", async () => {
    const { attempt, store, passwords } = await setup(undefined, { failuresPerNetwork: 5 });
    const names = Array.from({ length: 20 }, (_, n) => `user${n}`);
    for (const username of names) await store.users.create({ username, passwordHash: `v2:${right}` });
    for (const name of names) assert.equal(await attempt(right, name), "ok");
    const before = passwords.verified;
    for (let n = 0; n < 20; n += 1) {
      await attempt(wrong, `nobody${n}`);
      await attempt(right, names[n]);
    }
    assert.equal(passwords.verified - before, 25, "5 wrong ones, and 20 of who is known here");
  });

  it("can be left uncounted", async () => {
    const { attempt, passwords } = await setup(undefined, { failuresPerNetwork: 0 });
    for (let n = 0; n < 150; n += 1) await attempt(wrong, `name${n}`);
    assert.equal(passwords.verified, 150);
    await assert.rejects(setup(undefined, { failuresPerNetwork: -1 }), TypeError);
    await assert.rejects(setup(undefined, { sharedAddresses: ["10.0.0.0/99"] }), TypeError);
    await assert.rejects(setup(undefined, { sharedAddresses: ["proxy"] }), TypeError);
  });
});

it("R9: codes and recovery codes are guesses like passwords, and of the same ten", async () => {
  const { store, user, login, attempt, clock, passwords } = await setup();
  const sealedSecret = createSeal(new Uint8Array(32)).seal(new Uint8Array(20), `totp:${user.id}`);
  await store.totp.enroll(user.id, sealedSecret);
  assert.equal(await store.totp.confirm(user.id, { step: 1, sealedSecret }, []), true);
  const [began, before] = [clock.now, passwords.verified];
  const codes = ["000000", "aaaa-bbbb-cccc-dddd", ""];
  for (let n = 0; clock.now < began + 900_000; n += 1) {
    const guess = { username: "ada", email: "", password: right, code: codes[n % 3] ?? "" };
    await login
      .start(guess, contextFrom(stranger(n)))
      .catch((error: unknown) => assert.ok(error instanceof Refusal));
    await attempt(wrong, "ada", stranger(n + 1));
    clock.now += 1000;
  }
  assert.equal(passwords.verified - before, 10);
});

describe("NIST SP 800-63B-4 section 3.2.2: failures in a row", () => {
  it("are at most 100, of which strangers have 80, and nobody is told", async () => {
    const parts = await setup();
    const { attempt, store, user, clock } = parts;
    assert.equal(await attempt(right, "ada", home), "ok");
    let wrongOnes = 0;
    // What is looked at of this account.
    store.users.passwordHash = ((load) => (id: string) => {
      wrongOnes += 1;
      return load(id);
    })(store.users.passwordHash.bind(store.users));
    await guessAround(parts, 200);
    assert.equal(wrongOnes, 80);
    assert.ok((await store.users.load(user.id))?.passwordLockedAt);
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", stranger(1)), "LOGIN_FAILED");
    // From where ada has logged in before there are 20 more.
    for (let n = 0; n < 50; n += 1) {
      clock.now += 100_000;
      assert.equal(await attempt(wrong, "ada", home), "LOGIN_FAILED");
    }
    assert.equal(wrongOnes, 100);
    assert.equal(await attempt(right, "ada", home), "RATE_LIMITED");
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", home), "LOGIN_FAILED");
    await store.users.unlockPassword(user.id, "system");
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", stranger(1)), "ok");
  });

  it("of strangers do not lock out who is known, whose login unlocks the account", async () => {
    const parts = await setup();
    const { attempt, store, user } = parts;
    assert.equal(await attempt(right, "ada", home), "ok");
    await guessAround(parts, 80);
    assert.ok((await store.users.load(user.id))?.passwordLockedAt);
    assert.equal(await attempt(right, "ada", home), "ok");
    assert.equal((await store.users.load(user.id))?.passwordLockedAt, undefined);
  });

  it("do not keep an open session from a new password", async () => {
    const parts = await setup();
    const { login, store, user, clock } = parts;
    await guessAround(parts, 80);
    assert.equal(await login.confirm(user, { password: right }), `v2:${right}`);
    assert.equal((await store.users.load(user.id))?.passwordLockedAt, undefined);
    // Guesses in an open session are of the same hundred.
    clock.now += 1_000_000;
    await guessAround(parts, 80);
    const reasons: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      clock.now += 100_000;
      const reason = await login.confirm(user, { password: wrong }).then(
        () => "ok",
        (error: Refusal) => error.denial.reason,
      );
      reasons.push(reason);
    }
    assert.deepEqual([...new Set(reasons)], ["LOGIN_FAILED"]);
    clock.now += 1_000_000;
    await assert.rejects(login.confirm(user, { password: right }), /Invalid credentials/);
  });
});
