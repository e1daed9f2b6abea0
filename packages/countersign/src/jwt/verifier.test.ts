import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { isPromise } from "../core/decision.ts";
import { isUnknownKey } from "./invalid-token.ts";
import { hmacKey, privateKey } from "./key.ts";
import { createKeyRing } from "./key-ring.ts";
import { signToken } from "./signer.ts";
import { createTokenVerifier, type TokenVerifierOptions } from "./verifier.ts";

const now = 1_800_000_000_000;
const key = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "k" });
const keys = createKeyRing([key]);
const claims = { sub: "7", exp: now / 1000 + 900, token_type: "access" };

function check(token: string, options: Partial<TokenVerifierOptions> = {}) {
  const result = createTokenVerifier({ keys, ...options }).verify(token, now);
  assert.ok(!isPromise(result));
  return result;
}

test("a good token: who, until when, by which key, and every claim", () => {
  const result = check(signToken({ ...claims, extra: { deep: [1] } }, key));
  assert.deepEqual(result, {
    ok: true,
    claims: { ...claims, extra: { deep: [1] } },
    userId: "7",
    algorithm: "HS256",
    kid: "k",
    notBefore: 0,
    expiresAt: now + 905_000,
  });
  assert.ok(result.ok && Object.isFrozen(result.claims));
});

test("the signature comes first: nothing is said of claims that nobody signed", () => {
  const expired = signToken({ ...claims, exp: 1 }, key);
  assert.deepEqual(check(expired), { ok: false, reason: "TOKEN_EXPIRED", cause: "expired" });
  assert.deepEqual(check(`${expired.slice(0, -5)}AAAAA`), {
    ok: false,
    reason: "TOKEN_INVALID",
    cause: "signature does not match",
  });
});

test("a payload is a strict JSON object in canonical base64url", () => {
  const signed = (payload: string) => {
    const input = `${Buffer.from('{"alg":"HS256","kid":"k"}').toString("base64url")}.${payload}`;
    const result = check(`${input}.${key.sign(input)}`);
    return result.ok ? "ok" : result.cause;
  };
  const encode = (text: string) => Buffer.from(text).toString("base64url");
  const good = encode(JSON.stringify(claims));
  assert.equal(signed(good), "ok");
  for (const payload of [`${good}=`, ` ${good}`, `${good}\n`, "AB", "Q"])
    assert.equal(signed(payload), "payload is not canonical base64url");
  const text = JSON.stringify(claims);
  const broken = [
    "",
    "null",
    "[]",
    '"x"',
    `\ufeff${text}`,
    text.replace("{", '{"sub":"1",'),
    text.replace("{", '{"__proto__":{"sub":"1"},'),
    `${text} x`,
  ];
  for (const payload of broken)
    assert.equal(signed(encode(payload)), "payload is not a strict JSON object", payload);
});

test("typ: JWT or none by default, otherwise what is configured, in any case and with or without application/", () => {
  const ok = (typ: string | undefined, expected?: string) => {
    const header = Buffer.from(JSON.stringify({ alg: "HS256", kid: "k", typ })).toString("base64url");
    const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    return check(`${input}.${key.sign(input)}`, expected === undefined ? {} : { typ: expected }).ok;
  };
  for (const typ of [undefined, "JWT", "jwt", "Jwt", "application/jwt"]) assert.ok(ok(typ), typ);
  for (const typ of ["at+jwt", "JWS", "dpop+jwt", "logout+jwt", "refresh"]) assert.ok(!ok(typ), typ);
  for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"]) {
    for (const expected of ["at+jwt", "application/at+jwt"]) assert.ok(ok(typ, expected), typ);
  }
  for (const typ of [undefined, "JWT", "at-jwt", "x/at+jwt"]) assert.ok(!ok(typ, "at+jwt"), typ);
});

test("an unknown key is told from other refusals, for whoever can fetch keys again", () => {
  const other = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "new" });
  const unknown = check(signToken(claims, other));
  assert.ok(!unknown.ok && isUnknownKey(unknown));
  const invalid = check(`${signToken(claims, key)}A`);
  assert.ok(!invalid.ok && !isUnknownKey(invalid));
});

test("recognizes: by the issuer where one is configured, else by the key; the signature plays no part", () => {
  const mine = signToken({ ...claims, iss: "mine" }, key);
  const theirs = signToken(
    { ...claims, iss: "theirs" },
    hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "t" }),
  );
  const byIssuer = createTokenVerifier({ keys, issuer: "mine" });
  const byKey = createTokenVerifier({ keys });
  const rotating = createTokenVerifier({ keys: () => keys });
  for (const verifier of [byIssuer, byKey, rotating]) {
    assert.ok(verifier.recognizes(mine));
    assert.ok(verifier.recognizes(`${mine.slice(0, -3)}AAA`));
    assert.ok(!verifier.recognizes(theirs));
    for (const junk of ["", "a.b.c", "cs_live_key", `${mine}.x.y`, undefined as unknown as string])
      assert.ok(!verifier.recognizes(junk));
  }
  const newKid = signToken(
    { ...claims, iss: "mine" },
    hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "t" }),
  );
  assert.ok(byIssuer.recognizes(newKid), "a rotated key is still the issuer's");
});

test("answers at once for HMAC and RSA, and later for pooled algorithms, with the same result", async () => {
  const ed = privateKey({ key: generateKeyPairSync("ed25519").privateKey, algorithm: "Ed25519", kid: "e" });
  const rsa = privateKey({
    key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    algorithm: "RS256",
    kid: "r",
  });
  const verifier = createTokenVerifier({ keys: createKeyRing([ed.publicKey, rsa.publicKey]) });
  const [pooled, direct, late] = [
    signToken(claims, ed),
    signToken(claims, rsa),
    signToken({ ...claims, exp: 1 }, ed),
  ];
  const results = [pooled, pooled, direct, late, `${pooled}A`].map((token) => verifier.verify(token, now));
  assert.deepEqual(results.map(isPromise), [false, true, false, true, true]);
  const settled = await Promise.all(results);
  assert.deepEqual(
    settled.map((result) => (result.ok ? result.userId : result.reason)),
    ["7", "7", "7", "TOKEN_EXPIRED", "TOKEN_INVALID"],
  );
});

test("options that make no sense are TypeErrors", () => {
  const broken = [
    { typ: "" },
    { typ: 7 },
    { keys: undefined },
    { keys: [key] },
    { maxTokenLength: 0 },
    { issuer: 7 },
  ];
  for (const options of broken)
    assert.throws(
      () => createTokenVerifier({ keys, ...options } as unknown as TokenVerifierOptions),
      TypeError,
    );
});
