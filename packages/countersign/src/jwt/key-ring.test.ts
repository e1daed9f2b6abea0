import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Jwk } from "./jwk.ts";
import { hmacKey, publicKey, type VerificationKey } from "./key.ts";
import { createKeyRing, isKeyRing, keyRingFromJwks } from "./key-ring.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const rsaJwk = rsa.publicKey.export({ format: "jwk" }) as Jwk;
const ecJwk = ec.publicKey.export({ format: "jwk" }) as Jwk;
const edJwk = ed.publicKey.export({ format: "jwk" }) as Jwk;

const hs = (kid?: string, algorithm: "HS256" | "HS384" = "HS256") =>
  hmacKey({ secret: randomBytes(48), algorithm, kid });
const rs = (kid?: string) => publicKey({ key: rsa.publicKey, algorithm: "RS256", kid });

test("a kid finds its own key, for its own algorithm", () => {
  const [one, two] = [hs("one"), hs("two")];
  const ring = createKeyRing([one, two]);
  assert.equal(ring.find("one", "HS256"), one);
  assert.equal(ring.find("two", "HS256"), two);
  assert.equal(ring.find("one", "HS384"), undefined);
  for (const kid of ["three", "", "One", "constructor", "__proto__", "../one", "one\0"])
    assert.equal(ring.find(kid, "HS256"), undefined);
});

test("without a kid, the key must be the only one that can be meant", () => {
  const [named, bare, other] = [hs("named"), hs(), hs("other", "HS384")];
  assert.equal(createKeyRing([named]).find(undefined, "HS256"), named, "the only key");
  assert.equal(createKeyRing([bare]).find(undefined, "HS256"), bare);
  assert.equal(createKeyRing([named, bare]).find(undefined, "HS256"), bare, "the one without a kid");
  assert.equal(createKeyRing([named, hs("second")]).find(undefined, "HS256"), undefined, "ambiguous");
  assert.equal(
    createKeyRing([named, other]).find(undefined, "HS384"),
    other,
    "the only one of its algorithm",
  );
  assert.equal(createKeyRing([named]).find(undefined, "HS384"), undefined);
  assert.equal(createKeyRing([bare]).find("named", "HS256"), undefined, "a kid never falls back");
});

test("a ring that makes no sense is a TypeError", () => {
  const broken: readonly (readonly VerificationKey[])[] = [
    [],
    [hs("a"), rs("b")],
    [hs("a"), hs("a")],
    [hs("a"), hs("a", "HS384")],
    [hs(), hs()],
    [undefined as unknown as VerificationKey],
    [{ ...hs("a") }],
  ];
  for (const keys of broken) assert.throws(() => createKeyRing(keys), TypeError);
  assert.ok(isKeyRing(createKeyRing([hs(), hs(undefined, "HS384")])));
  for (const fake of [undefined, null, {}, { ...createKeyRing([hs()]) }]) assert.ok(!isKeyRing(fake));
});

test("the list of keys can be changed afterwards without effect", () => {
  const keys = [hs("a")];
  const ring = createKeyRing(keys);
  keys.push(hs("b"));
  assert.equal(ring.find("b", "HS256"), undefined);
  assert.ok(Object.isFrozen(ring) && Object.isFrozen(ring.keys));
});

const unusable: readonly unknown[] = [
  null,
  "key",
  7,
  [],
  {},
  { kty: 7 },
  {
    kty: "oct",
    k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    alg: "HS256",
    kid: "oct",
  },
  { kty: "AKP", alg: "ML-DSA-44", kid: "pq", pub: "AAAA" },
  { ...rsaJwk, use: "enc", kid: "enc" },
  { ...rsaJwk, alg: "RSA-OAEP", kid: "oaep" },
  { ...rsaJwk, alg: "none", kid: "none" },
  { ...rsaJwk, alg: "HS256", kid: "hs" },
  { ...rsaJwk, e: "AQ", kid: "e1" },
  { ...rsaJwk, n: "AQAB", kid: "small" },
  { ...rsaJwk, key_ops: ["encrypt"], kid: "ops" },
  { ...rsaJwk, kid: 7 },
  { ...ecJwk, crv: "P-999", kid: "crv" },
  { ...ecJwk, y: ecJwk["x"], kid: "point" },
  { ...(ec.privateKey.export({ format: "jwk" }) as Jwk), kid: "private" },
];

test("a JWK Set: what cannot be used is ignored, the rest works", () => {
  const ring = keyRingFromJwks({
    keys: [...unusable, { ...rsaJwk, kid: "r" }, { ...ecJwk, kid: "e" }, { ...edJwk, kid: "o" }],
  });
  assert.deepEqual(
    ring.keys.map(({ kid, algorithm }) => [kid, algorithm]),
    [
      ["r", "RS256"],
      ["e", "ES256"],
      ["o", "EdDSA"],
    ],
  );
});

test("a JWK Set of which nothing remains is a TypeError, and so is anything else", () => {
  for (const jwks of [
    { keys: unusable },
    { keys: [] },
    {},
    null,
    undefined,
    "",
    [],
    [rsaJwk],
    rsaJwk,
    { keys: {} },
  ]) {
    assert.throws(() => keyRingFromJwks(jwks), TypeError);
  }
  for (const key of unusable) assert.throws(() => keyRingFromJwks({ keys: [key] }), TypeError);
});

test("a JWK Set: a kid used twice names nobody", () => {
  const ring = keyRingFromJwks({
    keys: [
      { ...rsaJwk, kid: "x" },
      { ...ecJwk, kid: "x" },
      { ...edJwk, kid: "y" },
    ],
  });
  assert.deepEqual(
    ring.keys.map(({ kid }) => kid),
    ["y"],
  );
  assert.throws(() => keyRingFromJwks({ keys: [rsaJwk, rsaJwk] }), TypeError);
});

test("a JWK Set: the issuer's algorithms are the ones that are given", () => {
  const jwks = {
    keys: [
      { ...rsaJwk, kid: "r" },
      { ...ecJwk, kid: "e", alg: "ES256" },
    ],
  };
  assert.deepEqual(
    keyRingFromJwks(jwks, { algorithms: ["PS384"] }).keys.map(({ algorithm }) => algorithm),
    ["PS384"],
  );
  assert.deepEqual(
    keyRingFromJwks(jwks, { algorithms: ["ES256"] }).keys.map(({ kid }) => kid),
    ["e"],
  );
  assert.throws(() => keyRingFromJwks(jwks, { algorithms: ["EdDSA"] }), TypeError);
  for (const name of ["HS256", "none"])
    assert.throws(() => keyRingFromJwks(jwks, { algorithms: [name as "RS256"] }), TypeError);
});
