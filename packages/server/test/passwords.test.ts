import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hash } from "@node-rs/argon2";
import { CallError } from "countersign";
import { createPasswords } from "../src/passwords.ts";

const passwords = createPasswords();

describe("passwords", () => {
  it("are kept as Argon2id with OWASP's floor, and salted", async () => {
    const phc = await passwords.hash("fifteen letters");
    assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22,}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(await passwords.hash("fifteen letters"), phc);
    assert.equal(await passwords.verify(phc, "fifteen letters"), true);
    assert.equal(await passwords.verify(phc, "fifteen letterS"), false);
    assert.equal(await passwords.verify(phc, "fifteen letters "), false);
    assert.equal(await passwords.verify(undefined, "nobody has this password"), false);
  });

  it("are the same however the keyboard composes them", async () => {
    const phc = await passwords.hash("cafe\u0301 by the old harbour");
    assert.equal(await passwords.verify(phc, "caf\u00e9 by the old harbour"), true);
  });

  it("are not right, and no failure, where what is stored is no hash of ours", async () => {
    for (const stored of [
      "",
      "plain text",
      "$2b$10$abcdefghijklmnopqrstuv",
      "$argon2id$v=19$m=8,t=1,p=1$",
      "pbkdf2_sha256$1$a$b",
    ]) {
      assert.equal(await passwords.verify(stored, "plain text"), false, stored);
    }
  });

  it("take as long to check for nobody", async () => {
    const phc = await passwords.hash("fifteen letters");
    const time = async (stored: string | undefined): Promise<number> => {
      const began = performance.now();
      await passwords.verify(stored, "another password");
      return performance.now() - began;
    };
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < 15; round++) {
      times[0].push(await time(phc));
      times[1].push(await time(undefined));
    }
    const [known, unknown] = times.map((list) => list.toSorted((a, b) => a - b)[7] ?? 0) as [number, number];
    assert.ok(unknown > known / 2 && unknown < known * 2, `${known} ms, ${unknown} ms`);
  });

  it("made with less work are outdated, and others are not", async () => {
    const made = (memoryCost: number, timeCost: number, algorithm = 2) =>
      hash("fifteen letters", { memoryCost, timeCost, parallelism: 1, algorithm });
    assert.equal(passwords.isOutdated(await passwords.hash("fifteen letters")), false);
    assert.equal(passwords.isOutdated(await made(8192, 2)), true);
    assert.equal(passwords.isOutdated(await made(19_456, 1)), true);
    assert.equal(passwords.isOutdated(await made(19_456, 2, 1)), true);
    assert.equal(passwords.isOutdated(await made(32_768, 3)), false);
    for (const other of ["", "pbkdf2_sha256$600000$a$b", "$argon2id$v=19$"]) {
      assert.equal(passwords.isOutdated(other), true, other);
    }
  });

  it("wait in a queue that ends, and whoever finds it full is told at once", async () => {
    const busy = createPasswords();
    const phc = await hash("x", { memoryCost: 8, timeCost: 1, parallelism: 1 });
    const results = await Promise.allSettled(Array.from({ length: 1100 }, () => busy.verify(phc, "x")));
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 98);
    for (const { reason } of refused)
      assert.ok(reason instanceof CallError && reason.status === "UNAVAILABLE");
    assert.ok(results.every((result) => result.status === "rejected" || result.value));
    // And it empties: the next one is let in.
    assert.equal(await busy.verify(phc, "x"), true);
  });
});
