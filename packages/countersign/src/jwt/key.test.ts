import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  randomBytes,
} from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import type { Algorithm } from "./algorithms.ts";
import type { Jwk } from "./jwk.ts";
import {
  type AsymmetricKeyOptions,
  hmacKey,
  importJwk,
  isSigningKey,
  isVerificationKey,
  privateKey,
  publicKey,
} from "./key.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const ed25519 = generateKeyPairSync("ed25519");
const ed448 = generateKeyPairSync("ed448");

const pairs: readonly (readonly [Algorithm, typeof rsa])[] = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const).map((name) => [name, rsa] as const),
  ["ES256", p256],
  ["ES384", p384],
  ["ES512", p521],
  ["EdDSA", ed25519],
  ["Ed25519", ed25519],
];

const jwkOf = (key: { export(options: { format: "jwk" }): JsonWebKey }) =>
  key.export({ format: "jwk" }) as Jwk;

for (const [algorithm, pair] of pairs) {
  test(`${algorithm}: every form of a key signs and verifies alike, on the main thread and on the pool`, async () => {
    const signers = [
      privateKey({ key: pair.privateKey, algorithm }),
      privateKey({ key: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string, algorithm }),
      privateKey({ key: jwkOf(pair.privateKey), algorithm }),
    ];
    const verifiers = [
      publicKey({ key: pair.publicKey, algorithm }),
      publicKey({ key: pair.publicKey.export({ type: "spki", format: "pem" }) as string, algorithm }),
      publicKey({ key: jwkOf(pair.publicKey), algorithm }),
      importJwk({ ...jwkOf(pair.publicKey), alg: algorithm }),
      ...signers.map((signer) => signer.publicKey),
    ];
    for (const signer of signers) {
      for (const signature of [signer.sign("head.body"), await signer.signPooled("head.body")]) {
        for (const verifier of verifiers) {
          assert.ok(verifier.verify("head.body", signature));
          assert.ok(!verifier.verify("head.bodY", signature));
          assert.ok(!verifier.verify("head.body", `${signature}=`));
          assert.equal((await verifier.verifyPooled?.("head.body", signature)) ?? true, true);
          assert.equal((await verifier.verifyPooled?.("head.bodY", signature)) ?? false, false);
          assert.equal((await verifier.verifyPooled?.("head.body", `${signature}=`)) ?? false, false);
        }
      }
    }
  });

  test(`${algorithm}: refuses keys of every other kind`, () => {
    const fitting = pairs.filter(([, other]) => other === pair).map(([name]) => name);
    for (const [other, wrong] of [...pairs, ["Ed448", ed448] as const]) {
      if (fitting.includes(other as Algorithm)) continue;
      assert.throws(() => publicKey({ key: wrong.publicKey, algorithm }), TypeError, other);
      assert.throws(() => publicKey({ key: jwkOf(wrong.publicKey), algorithm }), TypeError, other);
      assert.throws(() => privateKey({ key: wrong.privateKey, algorithm }), TypeError, other);
    }
    assert.throws(() => hmacKey({ secret: randomBytes(64), algorithm }), TypeError);
  });
}

test("a signature of one algorithm is none of another under the same RSA key", () => {
  const names = pairs.filter(([, pair]) => pair === rsa).map(([name]) => name);
  for (const signs of names) {
    const signature = privateKey({ key: rsa.privateKey, algorithm: signs }).sign("input");
    for (const verifies of names) {
      assert.equal(
        publicKey({ key: rsa.publicKey, algorithm: verifies }).verify("input", signature),
        signs === verifies,
      );
    }
  }
});

test("PS* demands a salt of the hash's length", () => {
  const signer = privateKey({ key: rsa.privateKey, algorithm: "PS256" });
  assert.ok(signer.publicKey.verify("input", signer.sign("input")));
  // @types/node has saltLength as a string; Node wants a number.
  const saltLength = 32 as unknown as string;
  const parameters = {
    modulusLength: 2048,
    hashAlgorithm: "sha256",
    mgf1HashAlgorithm: "sha256",
    saltLength,
  };
  const pss = generateKeyPairSync("rsa-pss", parameters);
  const own = privateKey({ key: pss.privateKey, algorithm: "PS256" });
  assert.ok(own.publicKey.verify("input", own.sign("input")));
  for (const algorithm of ["PS384", "RS256"] as const)
    assert.throws(() => publicKey({ key: pss.publicKey, algorithm }), TypeError);
});

test("the caller's KeyObject is left as it was", () => {
  publicKey({ key: p256.publicKey, algorithm: "ES256" });
  publicKey({ key: rsa.publicKey, algorithm: "PS256" });
  for (const key of [p256.publicKey, rsa.publicKey]) assert.deepEqual(Object.keys(key), []);
});

test("an HMAC secret is at least as long as the hash", () => {
  for (const [algorithm, bytes] of [
    ["HS256", 32],
    ["HS384", 48],
    ["HS512", 64],
  ] as const) {
    for (const secret of [
      randomBytes(bytes),
      randomBytes(bytes * 3),
      "s".repeat(bytes),
      "ä".repeat(bytes / 2),
    ]) {
      const key = hmacKey({ secret, algorithm, kid: "k" });
      assert.ok(key.symmetric && key.kid === "k" && key.algorithm === algorithm);
      assert.ok(key.verify("input", key.sign("input")));
      assert.ok(!key.verify("input", key.sign("other")));
    }
    for (const secret of [randomBytes(bytes - 1), "s".repeat(bytes - 1), "", new Uint8Array(0)]) {
      assert.throws(() => hmacKey({ secret, algorithm }), TypeError);
    }
  }
  for (const secret of [undefined, null, 0, false, {}, [], createSecretKey(randomBytes(32))]) {
    assert.throws(() => hmacKey({ secret: secret as unknown as string, algorithm: "HS256" }), TypeError);
  }
});

test("a private key is never taken for a public one", () => {
  for (const [algorithm, pair] of pairs) {
    const renderings: AsymmetricKeyOptions["key"][] = [
      pair.privateKey,
      pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      jwkOf(pair.privateKey),
    ];
    for (const key of renderings) assert.throws(() => publicKey({ key, algorithm }), TypeError);
    for (const key of [pair.publicKey, jwkOf(pair.publicKey)])
      assert.throws(() => privateKey({ key, algorithm }), TypeError);
    assert.throws(() => importJwk({ ...jwkOf(pair.privateKey), alg: algorithm }), TypeError);
  }
  assert.throws(
    () => publicKey({ key: { ...jwkOf(rsa.publicKey), k: "AAAA" }, algorithm: "RS256" }),
    TypeError,
  );
});

test("RSA keys are strong: 2048 bits, an odd exponent of at least 65537", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const three = generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 });
  for (const pair of [weak, three]) {
    assert.throws(() => publicKey({ key: pair.publicKey, algorithm: "RS256" }), TypeError);
    assert.throws(() => privateKey({ key: pair.privateKey, algorithm: "PS256" }), TypeError);
  }
  const { n } = jwkOf(rsa.publicKey);
  for (const e of ["AQ", "Aw", "AQAA", "AQAC"])
    assert.throws(() => publicKey({ key: { kty: "RSA", n, e }, algorithm: "RS256" }), TypeError);
});

test("a JWK says what it is for", () => {
  const jwk = jwkOf(p256.publicKey);
  const algorithm = "ES256";
  const good = [
    {},
    { use: "sig" },
    { alg: "ES256" },
    { key_ops: ["verify"] },
    { key_ops: ["sign", "verify"] },
    { ext: true },
  ];
  for (const more of good) assert.ok(isVerificationKey(publicKey({ key: { ...jwk, ...more }, algorithm })));
  const bad = [
    { use: "enc" },
    { use: "" },
    { alg: "ES384" },
    { alg: "es256" },
    { alg: "ES521" },
    { key_ops: [] },
    { key_ops: ["sign"] },
    { key_ops: ["sign, verify"] },
    { key_ops: "verify" },
    { kty: "RSA" },
    { kty: "ec" },
    { crv: "P-384" },
    { crv: undefined },
    { x: `${jwk["x"]}=` },
    { x: undefined },
    { y: jwk["x"] },
    { kid: "" },
    { kid: "k".repeat(129) },
    { kid: "a\nb" },
    { kid: 7 },
  ];
  for (const more of bad) {
    assert.throws(() => publicKey({ key: { ...jwk, ...more } as Jwk, algorithm }), TypeError, inspect(more));
  }
  assert.equal(publicKey({ key: { ...jwk, kid: "own" }, algorithm }).kid, "own");
  assert.equal(publicKey({ key: { ...jwk, kid: "own" }, algorithm, kid: "given" }).kid, "given");
});

test("importJwk takes the algorithm from the JWK, from the options, or from both if they agree", () => {
  const oct: Jwk = { kty: "oct", k: randomBytes(32).toString("base64url"), kid: "s" };
  assert.equal(importJwk({ ...oct, alg: "HS256" }).algorithm, "HS256");
  assert.equal(importJwk(oct, { algorithm: "HS256" }).kid, "s");
  assert.throws(() => importJwk(oct), TypeError);
  assert.throws(() => importJwk({ ...oct, alg: "HS256" }, { algorithm: "HS384" }), TypeError);
  for (const alg of ["A256GCM", "A256KW", "none", "HS512"])
    assert.throws(() => importJwk({ ...oct, alg }), TypeError);
  for (const jwk of [null, undefined, "{}", [], {}])
    assert.throws(() => importJwk(jwk as unknown as Jwk), TypeError);
});

test("what cannot be read is a TypeError that says nothing of it", () => {
  const secret = "SENTINEL";
  const broken = [
    `-----BEGIN PUBLIC KEY-----\n${secret}\n-----END PUBLIC KEY-----`,
    secret,
    "",
    { kty: "EC", crv: "P-256", x: secret, y: secret },
    Buffer.from(secret) as unknown as string,
    7 as unknown as string,
    null as unknown as string,
  ];
  for (const key of broken) {
    for (const load of [publicKey, privateKey]) {
      assert.throws(
        () => load({ key, algorithm: "ES256" }),
        (error: unknown) =>
          error instanceof TypeError &&
          !inspect(error, { depth: 9 }).split("\n")[0]?.includes(secret) &&
          error.cause === undefined,
      );
    }
  }
});

test("keys show no secret when they are printed", () => {
  const secret = "0123456789abcdefghijklmnopqrstuv";
  const key = hmacKey({ secret, algorithm: "HS256" });
  const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
  assert.ok(!shown.includes(secret) && !shown.includes(Buffer.from(secret).toString("hex")));
});

test("only keys that were loaded here are keys", () => {
  const key = hmacKey({ secret: randomBytes(32), algorithm: "HS256" });
  assert.ok(isVerificationKey(key) && isSigningKey(key));
  const pair = privateKey({ key: p256.privateKey, algorithm: "ES256" });
  assert.ok(
    isSigningKey(pair) &&
      !isVerificationKey(pair) &&
      isVerificationKey(pair.publicKey) &&
      !isSigningKey(pair.publicKey),
  );
  for (const fake of [
    { ...key },
    undefined,
    null,
    "",
    0,
    createPublicKey(p256.publicKey.export({ type: "spki", format: "pem" })),
  ]) {
    assert.ok(!isVerificationKey(fake) && !isSigningKey(fake));
  }
  assert.ok(Object.isFrozen(key) && Object.isFrozen(pair) && Object.isFrozen(pair.publicKey));
});

test("older PEM forms of a private key are private keys, too", () => {
  const sec1 = p256.privateKey.export({ type: "sec1", format: "pem" }) as string;
  assert.throws(() => publicKey({ key: sec1, algorithm: "ES256" }), TypeError);
  assert.ok(isSigningKey(privateKey({ key: sec1, algorithm: "ES256" })));
  assert.ok(isSigningKey(privateKey({ key: createPrivateKey(sec1), algorithm: "ES256" })));
});

test("what is signed may have any length, and any characters", () => {
  const signer = privateKey({ key: rsa.privateKey, algorithm: "RS256" });
  for (const length of [0, 1, 16_383, 16_384, 16_385, 70_000]) {
    for (const ending of ["", "\u00e9", "\u20ac", "\u{1f511}"]) {
      const input = `${"a".repeat(Math.max(0, length - ending.length))}${ending}`;
      const signature = signer.sign(input);
      assert.ok(signer.publicKey.verify(input, signature), `${input.length} ${ending}`);
      assert.ok(!signer.publicKey.verify(`${input}a`, signature), `${input.length} ${ending} and more`);
      assert.ok(
        !signer.publicKey.verify(`${input.slice(0, -1)}b`, signature),
        `${input.length} ${ending} exchanged`,
      );
    }
  }
});
