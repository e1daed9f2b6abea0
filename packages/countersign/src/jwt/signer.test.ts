import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { hmacKey, privateKey } from "./key.ts";
import { createKeyRing } from "./key-ring.ts";
import { claimsForUser, createJwtForUser, signToken, signTokenAsync } from "./signer.ts";
import { createTokenVerifier } from "./verifier.ts";

const key = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "k" });
const ada = {
  id: "7",
  username: "ada",
  email: "ada@example.org",
  isStaff: true,
  isSuperuser: false,
  roles: ["admin"],
};
const now = 1_800_000_000_000;
const decode = (token: string, part: 0 | 1) =>
  JSON.parse(Buffer.from(token.split(".")[part] ?? "", "base64url").toString());

test("the header begins with typ, as tokens are known to begin", () => {
  const token = signToken({ sub: "7" }, key);
  assert.ok(token.startsWith("eyJ0eXAiOiJKV1Qi"));
  assert.equal(
    Buffer.from(token.split(".")[0] ?? "", "base64url").toString(),
    '{"typ":"JWT","alg":"HS256","kid":"k"}',
  );
  const bare = signToken({}, hmacKey({ secret: randomBytes(32), algorithm: "HS256" }));
  assert.equal(Buffer.from(bare.split(".")[0] ?? "", "base64url").toString(), '{"typ":"JWT","alg":"HS256"}');
  assert.equal(decode(signToken({}, key, { typ: "at+jwt" }), 0).typ, "at+jwt");
});

test("a token for a user says who it is, and lasts fifteen minutes", () => {
  const { jti, ...claims } = decode(createJwtForUser(ada, { key, now: now + 999 }), 1);
  assert.deepEqual(claims, {
    token_type: "access",
    exp: now / 1000 + 900,
    iat: now / 1000,
    sub: "7",
    user_id: "7",
    username: "ada",
    email: "ada@example.org",
    is_staff: true,
    is_superuser: false,
    roles: ["admin"],
  });
  assert.match(jti, /^[\w-]{22}$/);
  assert.notEqual(decode(createJwtForUser(ada, { key }), 1).jti, jti);
});

test("what is configured is written, and verified by the same words", () => {
  const options = { issuer: "https://id.example", audience: ["a", "b"], tokenType: "refresh", typ: "at+jwt" };
  const token = createJwtForUser(ada, {
    key,
    now,
    expiresIn: 60,
    extraClaims: { permissions: ["x:y"], sid: "s" },
    ...options,
  });
  const verifier = createTokenVerifier({
    keys: createKeyRing([key]),
    issuer: options.issuer,
    audience: "b",
    tokenType: "refresh",
    typ: "at+jwt",
  });
  const result = verifier.verify(token, now);
  assert.ok("ok" in result && result.ok);
  assert.deepEqual(
    [result.userId, result.expiresAt, result.claims.permissions, result.claims.sid],
    ["7", now + 65_000, ["x:y"], "s"],
  );
});

test("extra claims add, and never replace", () => {
  for (const claim of "iss sub aud exp iat jti user_id token_type username email is_staff is_superuser roles".split(
    " ",
  )) {
    assert.throws(() => claimsForUser(ada, { extraClaims: { [claim]: undefined } }), TypeError, claim);
  }
  assert.deepEqual(claimsForUser(ada, { extraClaims: { nbf: 7, custom: { a: 1 } } })["custom"], { a: 1 });
});

test("a claim that our own verifier would refuse is not signed", () => {
  const users = [
    { ...ada, id: "" },
    { ...ada, id: 7 },
    { ...ada, id: "a\nb" },
    { ...ada, username: "a\0" },
    { ...ada, roles: [1] },
    { ...ada, isStaff: 1 },
  ];
  for (const user of users) assert.throws(() => claimsForUser(user as unknown as typeof ada), TypeError);
  for (const options of [
    { expiresIn: 0 },
    { expiresIn: 1.5 },
    { expiresIn: Number.NaN },
    { now: Number.NaN },
    { extraClaims: { permissions: "all" } },
  ]) {
    assert.throws(() => claimsForUser(ada, options), TypeError);
  }
});

test("a user without name and address gets a token without them", () => {
  const claims = decode(createJwtForUser({ ...ada, username: undefined, email: undefined }, { key }), 1);
  assert.ok(!("username" in claims) && !("email" in claims));
});

test("the asynchronous form signs the same", async () => {
  const rsa = privateKey({
    key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    algorithm: "RS256",
    kid: "r",
  });
  for (const signer of [key, rsa])
    assert.equal(await signTokenAsync({ sub: "7" }, signer), signToken({ sub: "7" }, signer));
});

test("only a key of ours signs", async () => {
  for (const fake of [undefined, null, "secret", { ...key }, randomBytes(32)]) {
    assert.throws(() => signToken({}, fake as unknown as typeof key), TypeError);
    await assert.rejects(signTokenAsync({}, fake as unknown as typeof key), TypeError);
  }
});
