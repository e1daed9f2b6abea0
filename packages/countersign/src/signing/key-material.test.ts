import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, test } from "node:test";
import { calculateJwkThumbprint, exportJWK, importJWK, jwtVerify, SignJWT } from "jose";
import { type Algorithm, algorithms } from "../jwt/algorithms.ts";
import { createKeyRing, jwksOf } from "../jwt/key-ring.ts";
import { signToken } from "../jwt/signer.ts";
import { generateKey, type KeyMaterial, loadKey, readKey } from "./key-material.ts";

const names = Object.keys(algorithms) as readonly Algorithm[];
const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

function joseVerifies(material: KeyMaterial, token: string) {
  const { verification } = loadKey(material);
  const [published] = jwksOf(createKeyRing([verification])).keys;
  // A shared secret is not published: whoever verifies has all of it.
  const jwk = published ?? { ...material.jwk, alg: material.algorithm };
  return importJWK(jwk as never, material.algorithm).then((key) => jwtVerify(token, key));
}

for (const algorithm of names) {
  test(`${algorithm}: a key that was made signs what jose verifies by its published half`, async () => {
    const material = await generateKey(algorithm);
    const { signing, verification } = loadKey(material);
    const token = signToken({ sub: "7" }, signing);
    const { payload, protectedHeader } = await joseVerifies(material, token);
    assert.deepEqual([payload.sub, protectedHeader.kid], ["7", material.kid]);
    const { keys } = jwksOf(createKeyRing([verification]));
    if (algorithm.startsWith("HS")) return assert.deepEqual(keys, []);
    const [jwk] = keys;
    assert.deepEqual([jwk?.kid, jwk?.alg, jwk?.use], [material.kid, algorithm, "sig"]);
    assert.equal(material.kid, await calculateJwkThumbprint(jwk as never));
    for (const member of secretMembers) assert.ok(!(member in (jwk ?? {})), member);
  });
}

test("REGRESSION: no name of a key that was made begins like an option", async () => {
  const made = await Promise.all(Array.from({ length: 400 }, () => generateKey("EdDSA")));
  assert.deepEqual(
    made.filter(({ kid }) => kid.startsWith("-")),
    [],
  );
});

test("no two keys are the same", async () => {
  const made = await Promise.all(
    ["HS256", "HS256", "ES256", "ES256"].map((name) => generateKey(name as Algorithm)),
  );
  assert.equal(new Set(made.map(({ kid }) => kid)).size, 4);
  assert.equal(new Set(made.map(({ jwk }) => jwk["k"] ?? jwk["d"])).size, 4);
});

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const ed = generateKeyPairSync("ed25519").privateKey;
const pem = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1"): string =>
  String(key.export({ type: type as "pkcs8", format: "pem" }));

describe("a key from elsewhere", () => {
  for (const [name, text, algorithm, options] of [
    ["RSA in PKCS#8", pem(rsa, "pkcs8"), "RS256", {}],
    ["RSA in PKCS#1", pem(rsa, "pkcs1"), "RS256", {}],
    ["RSA for another algorithm", pem(rsa, "pkcs8"), "PS512", { algorithm: "PS512" }],
    ["EC in PKCS#8", pem(ec, "pkcs8"), "ES256", {}],
    ["EC in SEC 1", pem(ec, "sec1"), "ES256", {}],
    ["Ed25519", pem(ed, "pkcs8"), "EdDSA", {}],
    ["Ed25519 by its own name", pem(ed, "pkcs8"), "Ed25519", { algorithm: "Ed25519" }],
    ["a JWK", `\n${JSON.stringify(ec.export({ format: "jwk" }))}\n`, "ES256", {}],
    ["a JWK with alg", JSON.stringify({ ...rsa.export({ format: "jwk" }), alg: "PS256" }), "PS256", {}],
    ["a shared secret", JSON.stringify({ kty: "oct", k: "A".repeat(86) }), "HS256", {}],
    ["a longer one", JSON.stringify({ kty: "oct", k: "A".repeat(86), alg: "HS512" }), "HS512", {}],
  ] as const) {
    test(`${name} is read`, async () => {
      const material = readKey({ text, ...options });
      assert.equal(material.algorithm, algorithm);
      await joseVerifies(material, signToken({ sub: "7" }, loadKey(material).signing));
      // What is kept is the key, and nothing that stood beside it.
      assert.ok(!("alg" in material.jwk));
    });
  }

  test("has its own kid, the one that it is given, or its thumbprint", async () => {
    const jwk = ed.export({ format: "jwk" });
    const named = JSON.stringify({ ...jwk, kid: "its own" });
    assert.equal(readKey({ text: named }).kid, "its own");
    assert.equal(readKey({ text: named, kid: "given" }).kid, "given");
    assert.equal(readKey({ text: pem(ed, "pkcs8") }).kid, await calculateJwkThumbprint(await exportJWK(ed)));
  });

  test("verifies what was signed with it there", async () => {
    const token = await new SignJWT({ sub: "7" }).setProtectedHeader({ alg: "ES256", kid: "old" }).sign(ec);
    const { verification } = loadKey(readKey({ text: pem(ec, "sec1"), kid: "old" }));
    const dot = token.lastIndexOf(".");
    assert.ok(verification.verify(token.slice(0, dot), token.slice(dot + 1)));
  });

  const encrypted = String(
    rsa.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }),
  );
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const publicPem = String(generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }));
  const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey;
  const secp = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
  for (const [name, text, said, options] of [
    ["nothing", "", /a private key in PEM, or a JWK, is expected/, {}],
    ["a public key", publicPem, /a private key in PEM, or a JWK, is expected/, {}],
    ["a public JWK", JSON.stringify({ ...ec.export({ format: "jwk" }), d: undefined }), /member d/, {}],
    ["an encrypted key", encrypted, /take the passphrase off first/, {}],
    [
      "PEM that is none",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      /cannot be read/,
      {},
    ],
    ["JSON that is none", '{"kty":"oct","k":"SECRETSECRET"', /is no JSON/, {}],
    ["a JWK Set", JSON.stringify({ keys: [] }), /not a set/, {}],
    ["a short RSA key", pem(short, "pkcs8"), /2048/, {}],
    ["a curve of no algorithm", pem(secp, "pkcs8"), /no algorithm fits/, {}],
    ["a key of type RSASSA-PSS", pem(pss, "pkcs8"), /use a key of type RSA/, {}],
    ["a short secret", JSON.stringify({ kty: "oct", k: "AAAA" }), /needs 32 bytes/, {}],
    [
      "a key for encryption",
      JSON.stringify({ ...ec.export({ format: "jwk" }), use: "enc" }),
      /use is not sig/,
      {},
    ],
    ["another algorithm's key", pem(ec, "pkcs8"), /kty RSA/, { algorithm: "RS256" }],
    ["a name that is too long", pem(ed, "pkcs8"), /1 to 128/, { kid: "x".repeat(129) }],
    [
      "an algorithm that there is not",
      pem(ed, "pkcs8"),
      /algorithm must be/,
      { algorithm: "none" as Algorithm },
    ],
  ] as const) {
    test(`${name} is refused, and not quoted`, () => {
      assert.throws(
        () => readKey({ text, ...options }),
        (error: Error) => {
          assert.ok(error instanceof TypeError, String(error));
          assert.match(error.message, said);
          assert.doesNotMatch(error.message, /SECRET|MII/);
          assert.equal(error.cause, undefined);
          return true;
        },
      );
    });
  }
});
