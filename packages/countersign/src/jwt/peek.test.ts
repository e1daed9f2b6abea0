import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { hmacKey } from "./key.ts";
import { peekToken } from "./peek.ts";
import { signToken } from "./signer.ts";

const key = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "k" });

test("reads algorithm, kid, issuer and type", () => {
  const seen = { algorithm: "HS256", kid: "k", issuer: "me", typ: "jwt" };
  assert.deepEqual(peekToken(signToken({ iss: "me" }, key)), seen);
  assert.deepEqual(peekToken(signToken({ iss: 7 }, key)), { ...seen, issuer: undefined });
  assert.deepEqual(peekToken(signToken({ iss: "me" }, key, { typ: "application/AT+jwt" })), {
    ...seen,
    typ: "at+jwt",
  });
});

test("sees nothing in what no verifier would take", () => {
  const token = signToken({ iss: "me" }, key);
  const [head, body, signature] = token.split(".");
  for (const text of [
    "",
    "...",
    `${head}.${body}`,
    `${token}.${signature}.x`,
    `${head}.${body}=.${signature}`,
    `.${body}.${signature}`,
    `${head}.AAAA.x`,
  ]) {
    assert.equal(peekToken(text), undefined, text);
  }
  assert.equal(peekToken(token, token.length - 1), undefined);
  assert.equal(peekToken(undefined as unknown as string), undefined);
});
