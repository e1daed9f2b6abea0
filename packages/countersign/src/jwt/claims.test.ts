import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { type ClaimRules, createClaimCheck } from "./claims.ts";
import { invalidToken } from "./invalid-token.ts";

const now = 1_800_000_000;
const base = { sub: "7", exp: now + 900, iat: now, token_type: "access" };

function outcome(claims: Record<string, unknown>, rules: ClaimRules = {}, nowMs = now * 1000): string {
  // As a token would bring them: members that are undefined are not there.
  const result = createClaimCheck(rules)(JSON.parse(JSON.stringify(claims)), nowMs);
  return result.ok ? "ok" : result.reason === "TOKEN_EXPIRED" ? "TOKEN_EXPIRED" : result.cause;
}

test("the ordinary token", () => {
  const result = createClaimCheck()({ ...base, nbf: now }, now * 1000);
  assert.deepEqual(result, {
    ok: true,
    userId: "7",
    notBefore: (now - 5) * 1000,
    expiresAt: (now + 905) * 1000,
  });
});

test("exp and nbf, to the millisecond, with the leeway", () => {
  const at = (ms: number, rules: ClaimRules = {}) => outcome({ ...base, nbf: now }, rules, ms);
  assert.equal(at((now + 905) * 1000 - 1), "ok");
  assert.equal(at((now + 905) * 1000), "TOKEN_EXPIRED");
  assert.equal(at((now - 5) * 1000), "ok");
  assert.equal(at((now - 5) * 1000 - 1), "not valid yet");
  assert.equal(at((now + 900) * 1000 - 1, { leewaySeconds: 0 }), "ok");
  assert.equal(at((now + 900) * 1000, { leewaySeconds: 0 }), "TOKEN_EXPIRED");
  assert.equal(at(now * 1000 - 1, { leewaySeconds: 0 }), "not valid yet");
  assert.equal(at((now + 960) * 1000 - 1, { leewaySeconds: 60 }), "ok");
});

test("expired is said of tokens that are right in every other respect", () => {
  const late = (now + 99_999) * 1000;
  assert.equal(outcome(base, {}, late), "TOKEN_EXPIRED");
  assert.equal(outcome({ ...base, token_type: "refresh" }, {}, late), "claim token_type is another type");
  assert.equal(outcome(base, { issuer: "x" }, late), "claim iss is another issuer");
  assert.equal(outcome({ ...base, sub: undefined }, {}, late), "claim sub is missing");
});

test("an issuer may have several spellings, each exact", () => {
  const issuer = ["https://a.example", "a.example"];
  for (const iss of issuer) assert.equal(outcome({ ...base, iss }, { issuer }), "ok");
  for (const iss of [undefined, "", "https://a.example/", "A.example", "b.example"])
    assert.equal(outcome({ ...base, iss }, { issuer }), "claim iss is another issuer");
  for (const issuer of [[], [""], [7 as unknown as string]])
    assert.throws(() => createClaimCheck({ issuer }), TypeError);
});

test("a further check comes after the others, and before the times", () => {
  const refusal = invalidToken("not on a Sunday");
  const rules = { issuer: "x", alsoCheck: () => refusal };
  assert.equal(outcome(base, rules), "claim iss is another issuer");
  assert.equal(outcome({ ...base, iss: "x" }, rules, (now + 99_999) * 1000), "not on a Sunday");
  assert.equal(outcome({ ...base, iss: "x" }, { issuer: "x", alsoCheck: () => undefined }), "ok");
});

test("exp is required unless it is not", () => {
  assert.equal(outcome({ ...base, exp: undefined }), "claim exp is missing");
  const result = createClaimCheck({ requireExpiration: false })(
    { sub: "7", token_type: "access" },
    now * 1000,
  );
  assert.ok(result.ok && result.expiresAt === Number.POSITIVE_INFINITY);
});

const odd: readonly unknown[] = [null, true, [], {}, "", "1", 1];
const times = [
  ...odd.filter((value) => value !== 1),
  -1,
  1.5,
  "1800000900",
  253402300800,
  now * 1000,
  [now],
  `${now}`,
];
const identifiers = [
  ...odd.filter((v) => v !== "1"),
  "a".repeat(256),
  "a\0b",
  "a\nb",
  "\x7f",
  "\x85",
  "\ud800",
  "x\udc00y",
  ["7"],
  { id: 7 },
];
const texts = [...odd.filter((v) => typeof v !== "string"), "a".repeat(1025), "a\rb", "\u009b"];
const lists = [...odd.filter((v) => !Array.isArray(v)), [1], [null], ["ok", {}], [["a"]], ["a\nb"]];
const malformed: Record<string, readonly unknown[]> = {
  exp: times,
  nbf: times,
  iat: times,
  sub: identifiers,
  jti: identifiers,
  sid: identifiers,
  client_id: identifiers,
  iss: texts,
  token_type: texts,
  username: texts,
  email: texts,
  is_staff: [null, 0, 1, "true", "", [], {}],
  is_superuser: [null, 0, 1, "false", "", [], {}],
  roles: lists,
  permissions: lists,
  aud: [null, 7, true, {}, [7], [null], [["api"]], "a\nb"],
};

for (const [claim, values] of Object.entries(malformed)) {
  test(`${claim} of a wrong type or content is refused, whatever else is configured`, () => {
    for (const value of values) {
      assert.equal(
        outcome({ ...base, [claim]: value }, { audience: false, tokenType: false }),
        `claim ${claim} is malformed`,
        inspect(value),
      );
    }
  });
}

test("numbers that JSON can spell and a clock cannot", () => {
  const check = createClaimCheck();
  for (const exp of ["1e400", "1e308", "9007199254740993", "-1e400", "1800000900.5", "1e-7"]) {
    const result = check(JSON.parse(`{"sub":"7","token_type":"access","exp":${exp}}`), now * 1000);
    assert.ok(!result.ok && result.cause === "claim exp is malformed", exp);
  }
});

test("texts that are well", () => {
  for (const value of ["a".repeat(255), "Ünïcödé", "\u{1f511}", "a b", "auth0|abc", "x".repeat(255)]) {
    assert.equal(outcome({ ...base, sub: value, jti: value, username: value }), "ok", value);
  }
  assert.equal(outcome({ ...base, username: "", email: "", roles: [], permissions: [] }), "ok");
});

test("where sub is absent, user_id stands in, as a string or a whole number", () => {
  const user = (claims: Record<string, unknown>, rules: ClaimRules = {}) => {
    const result = createClaimCheck(rules)({ exp: now + 9, token_type: "access", ...claims }, now * 1000);
    return result.ok ? result.userId : undefined;
  };
  assert.equal(user({ user_id: 7 }), "7");
  assert.equal(user({ user_id: "7" }), "7");
  assert.equal(user({ sub: "8", user_id: 7 }), "8");
  assert.equal(user({ uid: 9 }, { userIdClaim: "uid" }), "9");
  assert.equal(user({ user_id: 9 }, { userIdClaim: "uid" }), undefined);
  assert.equal(user({ user_id: -3 }), "-3");
  for (const value of [undefined, null, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, "", [], {}, true, "a\nb"])
    assert.equal(user({ user_id: value }), undefined, inspect(value));
  for (const userIdClaim of ["constructor", "toString", "__proto__"])
    assert.equal(user({}, { userIdClaim }), undefined);
});

test("a configured issuer is required, exactly", () => {
  const rules = { issuer: "https://id.example" };
  assert.equal(outcome({ ...base, iss: "https://id.example" }, rules), "ok");
  for (const iss of [undefined, "https://id.example/", "HTTPS://id.example", "", "https://id.example.evil"]) {
    assert.equal(outcome({ ...base, iss }, rules), "claim iss is another issuer", iss);
  }
  assert.equal(outcome({ ...base, iss: ["https://id.example"] }, rules), "claim iss is malformed");
  assert.equal(outcome({ ...base, iss: "anyone" }), "ok", "none configured");
});

test("a configured audience is required; without one a token for somebody is for somebody else", () => {
  for (const audience of ["api", ["api"], ["other", "api"]]) {
    for (const aud of ["api", ["api"], ["x", "api"]])
      assert.equal(outcome({ ...base, aud }, { audience }), "ok");
    for (const aud of [undefined, "x", "API", "", [], ["x"], ["api "]]) {
      assert.equal(outcome({ ...base, aud }, { audience }), "claim aud is another audience", inspect(aud));
    }
  }
  assert.equal(outcome({ ...base, aud: "api" }), "claim aud is there, and no audience is configured");
  assert.equal(outcome({ ...base, aud: "api" }, { audience: false }), "ok");
  assert.equal(outcome(base, { audience: false }), "ok");
});

test("token_type: access unless another is configured", () => {
  for (const token_type of [undefined, "refresh", "Access", ""])
    assert.equal(outcome({ ...base, token_type }), "claim token_type is another type");
  assert.equal(outcome({ ...base, token_type: "refresh" }, { tokenType: "refresh" }), "ok");
  assert.equal(outcome({ ...base, token_type: undefined }, { tokenType: false }), "ok");
});

test("a longest lifetime binds both the difference and the end", () => {
  const rules = { maxLifetimeSeconds: 900 };
  const long = "lifetime is longer than allowed";
  assert.equal(outcome(base, rules), "ok");
  assert.equal(outcome({ ...base, exp: now + 901 }, rules), long);
  assert.equal(outcome({ ...base, iat: undefined }, rules), long);
  assert.equal(outcome({ ...base, exp: undefined }, { ...rules, requireExpiration: false }), long);
  assert.equal(
    outcome({ ...base, iat: now + 10_000, exp: now + 10_900 }, rules),
    long,
    "issued in the future",
  );
  assert.equal(outcome({ ...base, iat: now + 5, exp: now + 905 }, rules), "ok", "within the leeway");
});

test("required claims", () => {
  assert.equal(outcome(base, { requiredClaims: ["jti", "client_id"] }), "claim jti is missing");
  assert.equal(
    outcome({ ...base, jti: "j", client_id: "c" }, { requiredClaims: ["jti", "client_id"] }),
    "ok",
  );
  assert.equal(outcome(base, { requiredClaims: ["toString"] }), "claim toString is missing");
});

test("rules that make no sense are TypeErrors, and later changes to them have no effect", () => {
  const broken: readonly Record<string, unknown>[] = [
    { leewaySeconds: -1 },
    { leewaySeconds: 61 },
    { leewaySeconds: Number.NaN },
    { leewaySeconds: "5" },
    { issuer: "" },
    { issuer: /./ },
    { audience: [] },
    { audience: "" },
    { audience: [/./] },
    { audience: true },
    { tokenType: "" },
    { maxLifetimeSeconds: 0 },
    { maxLifetimeSeconds: 1.5 },
    { requiredClaims: [""] },
    { userIdClaim: "" },
  ];
  for (const rules of broken)
    assert.throws(() => createClaimCheck(rules as ClaimRules), TypeError, inspect(rules));
  const audience = ["api"];
  const check = createClaimCheck({ audience });
  audience[0] = "x";
  assert.ok(check({ ...base, aud: "api" }, now * 1000).ok);
});
