import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { isPromise } from "../core/decision.ts";
import { createJwsReader } from "./jws.ts";
import { hmacKey, privateKey, type SigningKey } from "./key.ts";
import { createKeyRing, type KeyRing } from "./key-ring.ts";

const key = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "k" });
const ring = createKeyRing([key]);
const read = createJwsReader({ keys: ring });

const encode = (text: string) => Buffer.from(text).toString("base64url");
function sign(header: string, payload: string, signer: SigningKey = key): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signer.sign(input)}`;
}

function cause(token: string, reader = read): string {
  const result = reader(token);
  assert.ok(!isPromise(result));
  return result.ok ? "accepted" : result.cause;
}

const header = '{"alg":"HS256","kid":"k"}';

test("reads the payload of a token that verifies", () => {
  const result = read(sign(header, "any bytes"));
  assert.ok(!isPromise(result) && result.ok);
  assert.equal(result.payload.toString(), "any bytes");
  assert.deepEqual(result.header, { algorithm: "HS256", kid: "k", typ: undefined });
});

test("refuses other shapes", () => {
  const token = sign(header, "x");
  const [head = "", body = "", signature = ""] = token.split(".");
  const shapes = [
    "",
    ".",
    "..",
    "...",
    head,
    `${head}.${body}`,
    `.${body}.${signature}`,
    `${token}.`,
    `${token}.a.b`,
    `.${token}`,
  ];
  for (const shape of shapes) assert.equal(cause(shape), "not three parts", shape);
  assert.equal(cause(`${head}.${body}.`), "signature does not match");
  assert.equal(cause(JSON.stringify({ payload: body, protected: head, signature })), "not three parts");
  for (const value of [undefined, null, 7, {}, [token], Buffer.from(token)]) {
    assert.equal(cause(value as unknown as string), "longer than allowed, or not a string");
  }
});

test("the length is bounded before anything is decoded", () => {
  const token = sign(header, "x".repeat(6000));
  assert.equal(cause(token, createJwsReader({ keys: ring, maxTokenLength: token.length })), "accepted");
  assert.match(cause(token, createJwsReader({ keys: ring, maxTokenLength: token.length - 1 })), /longer/);
  assert.match(cause("a".repeat(8193)), /longer/);
  for (const maxTokenLength of [0, -1, 1.5, 65_537, Number.NaN, "9" as unknown as number]) {
    assert.throws(() => createJwsReader({ keys: ring, maxTokenLength }), TypeError);
  }
});

test("refuses headers that it does not understand, although they are signed", () => {
  const causes: Record<string, string> = {
    '{"alg":"HS256","kid":"k","crit":[]}': "header has crit, b64 or zip",
    '{"alg":"HS256","kid":"k","crit":["exp"],"exp":1}': "header has crit, b64 or zip",
    '{"alg":"HS256","kid":"k","crit":["b64"],"b64":true}': "header has crit, b64 or zip",
    '{"alg":"HS256","kid":"k","b64":false}': "header has crit, b64 or zip",
    '{"alg":"HS256","kid":"k","zip":"DEF"}': "header has crit, b64 or zip",
    '{"alg":"HS256","kid":"k","crit":null}': "header has crit, b64 or zip",
    '{"kid":"k"}': "algorithm is not known",
    '{"alg":"none","kid":"k"}': "algorithm is not known",
    '{"alg":["HS256"],"kid":"k"}': "algorithm is not known",
    '{"alg":"hs256","kid":"k"}': "algorithm is not known",
    '{"alg":"HS384","kid":"k"}': "no key for this kid and alg",
    '{"alg":"HS256","kid":"other"}': "no key for this kid and alg",
    '{"alg":"HS256","kid":7}': "kid or typ is not a short string",
    '{"alg":"HS256","kid":null}': "kid or typ is not a short string",
    '{"alg":"HS256","kid":""}': "kid or typ is not a short string",
    [`{"alg":"HS256","kid":"${"k".repeat(129)}"}`]: "kid or typ is not a short string",
    '{"alg":"HS256","kid":"k","typ":1}': "kid or typ is not a short string",
    '{"alg":"HS256","alg":"HS256","kid":"k"}': "header is not strict JSON in base64url",
    '\ufeff{"alg":"HS256","kid":"k"}': "header is not strict JSON in base64url",
    "[]": "header is not strict JSON in base64url",
  };
  for (const [text, expected] of Object.entries(causes)) assert.equal(cause(sign(text, "x")), expected, text);
});

test("jku, jwk, x5u and x5c are not looked at", () => {
  assert.equal(
    cause(sign('{"alg":"HS256","kid":"k","jku":7,"jwk":{},"x5u":"file:///etc","x5c":[]}', "x")),
    "accepted",
  );
});

test("a header is remembered only once a token with it has verified", () => {
  const reader = createJwsReader({ keys: ring });
  const good = sign(header, "x");
  const forged = `${good.slice(0, -4)}AAAA`;
  assert.equal(cause(forged, reader), "signature does not match");
  for (let i = 0; i < 3; i++) {
    assert.equal(cause(good, reader), "accepted");
    assert.equal(cause(forged, reader), "signature does not match");
    assert.equal(
      cause(`${good.split(".")[0]}x.${good.split(".").slice(1).join(".")}`, reader),
      "header is not strict JSON in base64url",
    );
  }
});

test("any number of headers works, and they do not mix", () => {
  const keys = Array.from({ length: 80 }, (_, i) =>
    hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: `k${i}` }),
  );
  const reader = createJwsReader({ keys: createKeyRing(keys) });
  const tokens = keys.map((signer, i) => sign(`{"alg":"HS256","kid":"k${i}"}`, `${i}`, signer));
  const crossed = keys.map((_, i) => sign(`{"alg":"HS256","kid":"k${i}"}`, "x", keys[(i + 1) % 80]));
  for (let round = 0; round < 3; round++) {
    for (const token of tokens) assert.equal(cause(token, reader), "accepted");
    for (const token of crossed) assert.equal(cause(token, reader), "signature does not match");
  }
});

test("rotation: the ring is asked for each time, and an old one's header is forgotten", () => {
  const next = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "k" });
  let current: KeyRing = ring;
  const reader = createJwsReader({ keys: () => current });
  const [before, after] = [sign(header, "x"), sign(header, "x", next)];
  assert.deepEqual([cause(before, reader), cause(after, reader)], ["accepted", "signature does not match"]);
  current = createKeyRing([next]);
  assert.deepEqual([cause(before, reader), cause(after, reader)], ["signature does not match", "accepted"]);
  assert.deepEqual([cause(after, reader), cause(before, reader)], ["accepted", "signature does not match"]);
});

test("a resolver that answers with anything but a ring throws, and never lets a token in", () => {
  for (const answer of [undefined, null, "", 0, false, {}, { find: () => key }, Promise.resolve(ring)]) {
    assert.throws(
      () => createJwsReader({ keys: () => answer as unknown as KeyRing })(sign(header, "x")),
      TypeError,
    );
    if (answer !== undefined)
      assert.throws(() => createJwsReader({ keys: answer as unknown as KeyRing }), TypeError);
  }
});

const pooled = [
  ["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ["EdDSA", generateKeyPairSync("ed25519")],
] as const;

for (const [algorithm, pair] of pooled) {
  test(`${algorithm}: at once when alone, on the pool when several are pending`, async () => {
    const signer = privateKey({ key: pair.privateKey, algorithm });
    const reader = createJwsReader({ keys: createKeyRing([signer.publicKey]) });
    const good = sign(`{"alg":"${algorithm}"}`, "x", signer);
    const other = good
      .replace(/.$/, "")
      .concat("A")
      .replace(/\.(.)/, (_, c) => (c === "A" ? ".B" : ".A"));
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      const [first, second, third] = [reader(good), reader(good), reader(other)];
      assert.ok(!isPromise(first) && isPromise(second) && isPromise(third));
      await new Promise((resolve) => setImmediate(resolve));
      const whileInFlight = reader(good);
      assert.ok(first.ok && (await second).ok && !(await third).ok && (await whileInFlight).ok);
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isPromise(reader(good)), "alone again");
    await new Promise((resolve) => setImmediate(resolve));
  });
}
