import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createSeal } from "../session/seal.ts";
import type { NewSigningKey, SigningKeyRecord } from "../store/session-contracts.ts";
import { generateKey } from "./key-material.ts";
import { openKey, sealKey, UnreadableSigningKey } from "./sealed-key.ts";

const seal = createSeal(randomBytes(32));
const times = { activeFrom: new Date(0), lifetimeSeconds: 900 };
const stored = (key: NewSigningKey): SigningKeyRecord => ({
  ...key,
  createdAt: new Date(0),
  retiredAt: undefined,
  removedAt: undefined,
});

test("a key is opened as it was sealed, and nothing of it can be read in between", async () => {
  for (const algorithm of ["HS256", "RS256", "ES256", "EdDSA"] as const) {
    const material = await generateKey(algorithm);
    const key = sealKey(material, seal, times);
    const { signing, verification } = openKey(stored(key), seal);
    assert.ok(verification.verify("a.b", signing.sign("a.b")));
    assert.deepEqual([signing.kid, signing.algorithm], [material.kid, algorithm]);
    const secret = String(material.jwk["d"] ?? material.jwk["k"]);
    const kept = `${Buffer.from(key.sealedKey).toString("latin1")}${key.publicJwk}`;
    assert.ok(!kept.includes(secret) && !kept.includes(Buffer.from(secret, "base64url").toString("latin1")));
    assert.equal(key.publicJwk === undefined, algorithm === "HS256");
  }
});

test("under another master key, with another name or algorithm, or changed, it is not opened", async () => {
  const key = stored(sealKey(await generateKey("RS256"), seal, times));
  const other = stored(sealKey(await generateKey("RS256"), seal, times));
  const unreadable = (record: SigningKeyRecord, by = seal): void =>
    assert.throws(
      () => openKey(record, by),
      (error) =>
        error instanceof UnreadableSigningKey && error.kid === record.kid && error.cause === undefined,
    );
  unreadable(key, createSeal(randomBytes(32)));
  unreadable({ ...key, kid: "another" });
  unreadable({ ...key, algorithm: "PS256" });
  // A row in the place of another.
  unreadable({ ...key, sealedKey: other.sealedKey });
  unreadable({ ...key, sealedKey: key.sealedKey.subarray(1) });
  unreadable({ ...key, sealedKey: new Uint8Array() });
});

test("the public half in the row is believed by nobody", async () => {
  const key = stored(sealKey(await generateKey("EdDSA"), seal, times));
  const forged = sealKey(await generateKey("EdDSA"), seal, times);
  const { signing, verification } = openKey({ ...key, publicJwk: forged.publicJwk }, seal);
  assert.ok(verification.verify("a.b", signing.sign("a.b")));
});
