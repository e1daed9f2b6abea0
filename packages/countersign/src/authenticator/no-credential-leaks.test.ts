import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import type { Decision } from "../core/decision.ts";
import { atOnce, fakeCall } from "../core/fakes.suite.ts";
import { createRevocations } from "../core/revocation.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { signToken } from "../jwt/signer.ts";
import { account, authOf, FakeTable, pepper, storedKey } from "./accounts.suite.ts";
import { apiKey } from "./api-key.ts";
import { developmentKey } from "./development-key.ts";
import { jwt } from "./jwt.ts";
import { staticApiKey } from "./static-api-key.ts";

const now = Date.UTC(2026, 0, 1);
const signer = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });
const signed = signToken(
  { token_type: "access", sub: "7f3a9c", iss: "https://issuer.example", jti: "Zk3vQ8", exp: now / 1000 + 60 },
  signer,
);
const { key, record } = storedKey();

const revocations = createRevocations();
revocations.apply({ kind: "token", issuer: "https://issuer.example", jti: "Zk3vQ8", expiresAt: now });
const stored = apiKey({
  keys: new FakeTable({ ...record, revokedAt: new Date(0) }),
  users: new FakeTable(account()),
  peppers: [pepper],
});
const { decide } = authOf(
  [
    jwt({ keys: createKeyRing([signer]) }),
    stored,
    staticApiKey({ keys: [{ key: "correct-horse-battery", name: "billing" }] }),
    developmentKey({ secret: "not-for-production-0123", firstSuperuser: () => undefined }),
  ],
  { now: () => now, revocations },
);

/** Whatever of the credential might be found in what a log or a caller sees. The public id of a key may be there. */
function assertNothingOf(credential: string, decision: Decision<unknown>): void {
  if (decision.ok) return;
  const said = inspect(decision.denial, { depth: 10, maxStringLength: null, breakLength: 1e6 }).replaceAll(
    record.id,
    "",
  );
  for (let at = 0; at + 6 <= credential.length; at++) {
    const part = credential.slice(at, at + 6);
    if (record.id.includes(part) || /^Bearer|^error=|^earer /.test(part)) continue;
    assert.ok(!said.includes(part), `"${part}" of the credential is in ${said}`);
  }
}

/** A credential with one stretch of it replaced, so that every stage of the checks is met. */
const spoilt = (good: string) =>
  fc
    .tuple(fc.nat(good.length), fc.nat(8), fc.string({ unit: "binary-ascii", maxLength: 8 }))
    .map(([at, length, other]) => good.slice(0, at) + other + good.slice(at + length));

describe("no refusal holds any part of the credential", () => {
  for (const [kind, header, good, lead] of [
    ["token", "authorization", signed, "Bearer "],
    ["API key", "x-api-key", key, ""],
    ["static key", "x-api-key", "correct-horse-battery", ""],
    ["development key", "x-api-key", "not-for-production-0123", ""],
  ] as const) {
    it(kind, () => {
      assertNothingOf(good, atOnce(decide(fakeCall("GET /", { [header]: lead + good }))));
      fc.assert(
        fc.property(
          fc.oneof(spoilt(good), fc.base64String({ minLength: 6 }), fc.string({ minLength: 6 })),
          (value) => {
            assertNothingOf(value, atOnce(decide(fakeCall("GET /", { [header]: lead + value }))));
          },
        ),
        { numRuns: 500 },
      );
    });
  }
});
