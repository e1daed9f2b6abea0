import assert from "node:assert/strict";
import { test } from "node:test";
import { isPromise } from "../../src/core/decision.ts";
import type { Jwk } from "../../src/jwt/jwk.ts";
import { createJwsReader, type ReadJws } from "../../src/jwt/jws.ts";
import { importJwk } from "../../src/jwt/key.ts";
import { createKeyRing, keyRingFromJwks } from "../../src/jwt/key-ring.ts";
import { type Group, type Vector, wycheproofDirectory, wycheproofGroups } from "./wycheproof-files.ts";

/** Vectors that are called valid and that we refuse, with the reason. */
const refusedOnPurpose: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "json_web_signature_test.json": {
    346: "the key says PS256, the token PS384: one key, one algorithm",
    347: "the key says ES521, which is no registered algorithm",
    350: "the key says PS256, the token PS384: one key, one algorithm",
    351: "the key says ES521, which is no registered algorithm",
    372: "a question mark inside the header: not base64url, although called valid",
    373: "a question mark inside the payload: not base64url, although called valid",
  },
  "json_web_key_test.json": {},
  "json_web_crypto_test.json": {},
};

/** Vectors that are called invalid and are, byte for byte and under the same key, a vector that is called valid. */
const mislabelled: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  "json_web_signature_test.json": { 367: 357, 370: 357 },
  "json_web_key_test.json": {},
  "json_web_crypto_test.json": {},
};

const expectedCounts = {
  "json_web_signature_test.json": 401,
  "json_web_key_test.json": 26,
  "json_web_crypto_test.json": 49,
};

/** Loads a group's key or set as an application would; undefined where loading it is refused. */
function readerFor(group: Group): ReadJws | undefined {
  const material = group.public ?? group.private;
  try {
    return createJwsReader({
      keys: isSet(material) ? ringOf(material.keys) : createKeyRing([importJwk(material)]),
    });
  } catch (error) {
    assert.ok(error instanceof TypeError, "a key is refused by a TypeError");
    return undefined;
  }
}

function isSet(material: Group["private"]): material is { readonly keys: readonly Jwk[] } {
  return Array.isArray((material as { keys?: unknown }).keys);
}

/** Shared secrets are configured one by one, never published as a set. */
function ringOf(keys: readonly Jwk[]) {
  return keys.some((jwk) => jwk.kty === "oct")
    ? createKeyRing(keys.map((jwk) => importJwk(jwk)))
    : keyRingFromJwks({ keys });
}

async function accepts(read: ReadJws, jws: unknown): Promise<boolean> {
  // The second of two in one turn takes the thread pool, where there is a choice: both ways have to agree.
  const [first, second] = [read(jws as string), read(jws as string)].map((answer) => Promise.resolve(answer));
  const ok = (await first)?.ok === true;
  assert.equal((await second)?.ok === true, ok);
  return ok;
}

async function judge(
  file: string,
  group: Group,
  vector: Vector,
  read: ReadJws | undefined,
): Promise<string | undefined> {
  const accepted = read !== undefined && (await accepts(read, vector.jws));
  const twin = mislabelled[file]?.[vector.tcId];
  if (twin !== undefined) {
    const valid = group.tests.find(({ tcId }) => tcId === twin);
    return valid?.result === "valid" && valid.jws === vector.jws && accepted
      ? undefined
      : "not the twin that it was";
  }
  const wanted = vector.result === "valid" && refusedOnPurpose[file]?.[vector.tcId] === undefined;
  return accepted === wanted ? undefined : accepted ? "FALSELY ACCEPTED" : "refused";
}

test("Wycheproof", async (t) => {
  const directory = wycheproofDirectory();
  if (directory === undefined) {
    const required = process.env["CI"] !== undefined || process.env["WYCHEPROOF_REQUIRED"] !== undefined;
    assert.ok(!required, "the Wycheproof vectors are not there: set WYCHEPROOF_DIR");
    t.diagnostic("NOT RUN: the Wycheproof vectors are not there (set WYCHEPROOF_DIR)");
    return;
  }
  for (const [file, count] of Object.entries(expectedCounts)) {
    await t.test(file, async (t) => {
      let [judged, refused] = [0, 0];
      for (const group of wycheproofGroups(directory, file)) {
        const read = readerFor(group);
        for (const vector of group.tests) {
          if ("jwe" in vector) continue;
          const fault = await judge(file, group, vector, read);
          assert.equal(fault, undefined, `tcId ${vector.tcId} ${group.comment} ${vector.comment}`);
          judged++;
          if (refusedOnPurpose[file]?.[vector.tcId] !== undefined) refused++;
        }
      }
      assert.equal(judged, count);
      assert.equal(refused, Object.keys(refusedOnPurpose[file] ?? {}).length);
      t.diagnostic(`${judged} vectors, no false accept; ${refused} called valid and refused on purpose`);
    });
  }
});

test("encrypted tokens are refused by their shape", async (t) => {
  const directory = wycheproofDirectory();
  if (directory === undefined)
    return t.diagnostic("NOT RUN: the Wycheproof vectors are not there (set WYCHEPROOF_DIR)");
  const groups = wycheproofGroups(directory, "json_web_crypto_test.json");
  const read = readerFor(groups[0] as Group) as ReadJws;
  for (const vector of groups.flatMap((group) => group.tests).filter((vector) => "jwe" in vector)) {
    const answer = read(vector.jwe as string);
    assert.ok(!isPromise(answer) && !answer.ok, String(vector.tcId));
  }
});
