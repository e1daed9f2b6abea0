import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { type JWTPayload, jwtVerify } from "jose";
import { createKeyRing } from "../../src/jwt/key-ring.ts";
import { createTokenVerifier, type TokenVerifier } from "../../src/jwt/verifier.ts";
import { encode, type Fixture, fixtures, sign } from "./fixtures.ts";

/*
 * jose, strictly configured, and a schema of its own stand for the truth. What we accept and they refuse is a hole;
 * a good token that we refuse is a fault. What we refuse and they accept is stricter on purpose, and is counted.
 */
const seconds = 1_800_000_000;
const now = new Date(seconds * 1000);
const rules = { issuer: "https://id.example", audience: "api" };
const rounds = Number(process.env["DIFFERENTIAL_ROUNDS"] ?? 60);

const goodClaims = () => ({
  token_type: "access",
  sub: String(randomInt(1, 1e9)),
  iss: rules.issuer,
  aud: randomInt(2) === 0 ? "api" : ["other", "api"],
  iat: seconds - randomInt(100),
  exp: seconds + 1 + randomInt(1000),
  jti: `j${randomInt(1e9)}`,
  username: pick(["ada", "Ünïcödé", "", 'q"uote:d', "back\\slash"]),
  roles: pick([[], ["admin"], ["a", "b"]]),
  is_staff: randomInt(2) === 0,
  url: "https://example.org/a: b",
});

function pick<T>(values: readonly T[]): T {
  return values[randomInt(values.length)] as T;
}

/** The model's own idea of well-formed claims, written apart from ours. */
function schemaHolds(claims: JWTPayload): boolean {
  const whole = (value: unknown) =>
    value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
  const text = (value: unknown) =>
    value === undefined || (typeof value === "string" && !/\p{Cc}/u.test(value));
  const texts = (value: unknown) =>
    value === undefined || (Array.isArray(value) && value.every((item) => typeof item === "string"));
  const flag = (value: unknown) => value === undefined || typeof value === "boolean";
  return (
    [claims.exp, claims.iat, claims.nbf].every(whole) &&
    [claims.iss, claims.sub, claims.jti, claims["username"], claims["email"], claims["sid"]].every(text) &&
    [claims["roles"], claims["permissions"]].every(texts) &&
    [claims["is_staff"], claims["is_superuser"]].every(flag) &&
    typeof claims.sub === "string" &&
    claims.sub.length > 0 &&
    claims.sub.length <= 255 &&
    claims["token_type"] === "access"
  );
}

async function model(token: string, fixture: Fixture): Promise<boolean> {
  try {
    const options = {
      algorithms: [fixture.algorithm],
      requiredClaims: ["exp"],
      clockTolerance: 5,
      currentDate: now,
    };
    const { payload, protectedHeader } = await jwtVerify(token, fixture.foreign, { ...rules, ...options });
    const { kid = "k", typ = "JWT" } = protectedHeader;
    return schemaHolds(payload) && kid === "k" && /^(?:application\/)?jwt$/i.test(typ);
  } catch {
    return false;
  }
}

const weird: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  "",
  "x",
  "a\nb",
  [],
  ["x"],
  [1],
  {},
  seconds * 1000,
  `${seconds}`,
  "a".repeat(300),
];

/** Signed by the right key, wrong in what it says. */
function mutateSigned({ algorithm, signer }: Fixture): string {
  const header: Record<string, unknown> = { typ: "JWT", alg: algorithm, kid: "k" };
  const claims: Record<string, unknown> = goodClaims();
  const target = pick([header, claims, claims, claims]);
  const name = pick(
    target === header
      ? ["typ", "alg", "kid", "crit", "b64", "zip", "jwk"]
      : [
          "exp",
          "iat",
          "nbf",
          "sub",
          "iss",
          "aud",
          "jti",
          "token_type",
          "roles",
          "is_staff",
          "username",
          "permissions",
          "sid",
        ],
  );
  const kind = randomInt(10);
  if (kind < 6) target[name] = pick(weird);
  else if (kind < 8) delete target[name];
  const times = { exp: seconds - randomInt(10), nbf: seconds + randomInt(10) };
  if (kind === 8) Object.assign(claims, pick<object>([{ exp: times.exp }, { nbf: times.nbf }]));
  const payload = JSON.stringify(claims);
  const member = JSON.stringify(claims["sub"] ?? "x");
  const twice = [
    payload.replace("{", `{"sub":${member},`),
    payload.replace("{", '{"s\\u0075b":"0",'),
    `\ufeff${payload}`,
    `${payload} `,
  ];
  return sign(header, kind === 9 ? pick(twice) : payload, signer);
}

/** A good token, changed in transit. */
function mutateText(token: string): string {
  const at = randomInt(token.length);
  const character = pick([..."ABCxyz019-_.=+/ \n\t\0é", "\u0141"]);
  const parts = token.split(".");
  switch (randomInt(9)) {
    case 0:
      return token.slice(0, at) + character + token.slice(at + 1);
    case 1:
      return token.slice(0, at) + character + token.slice(at);
    case 2:
      return token.slice(0, at) + token.slice(at + 1);
    case 3:
      return token.slice(0, at);
    case 4:
      return parts.map((part) => `${part}=`).join(".");
    case 5:
      return [parts[0], parts[1], encode(Buffer.from(parts[2] ?? "", "base64url").reverse())].join(".");
    case 6:
      return [parts[0], encode(JSON.stringify(goodClaims())), parts[2]].join(".");
    case 7:
      return [
        encode(JSON.stringify({ typ: "JWT", alg: pick(["none", "HS256", "RS256", "ES256"]), kid: "k" })),
        parts[1],
        parts[2],
      ].join(".");
    default:
      return pick([
        ` ${token}`,
        `${token} `,
        `${token}\n`,
        `${token}.`,
        `.${token}`,
        token.toLowerCase(),
        `${parts[0]}.${parts[1]}.`,
      ]);
  }
}

async function ours(verifier: TokenVerifier, token: string): Promise<boolean> {
  return (await verifier.verify(token, now.getTime())).ok;
}

let [accepted, refused, stricter] = [0, 0, 0];

for (const fixture of fixtures) {
  test(`${fixture.algorithm}: whatever we accept, jose and the schema accept, and both accept what is good`, async () => {
    const verifier = createTokenVerifier({ keys: createKeyRing([fixture.verifier]), ...rules });
    for (let round = 0; round < rounds; round++) {
      const good = sign({ typ: "JWT", alg: fixture.algorithm, kid: "k" }, goodClaims(), fixture.signer);
      assert.ok((await ours(verifier, good)) && (await model(good, fixture)), good);
      const others = [
        mutateSigned(fixture),
        mutateSigned(fixture),
        mutateText(good),
        mutateText(good),
        mutateText(good),
      ];
      for (const token of others) {
        const [mine, theirs] = await Promise.all([ours(verifier, token), model(token, fixture)]);
        assert.ok(!mine || theirs, `accepted by us alone: ${JSON.stringify(token)}`);
        if (mine) accepted++;
        else if (theirs) stricter++;
        else refused++;
      }
    }
  });
}

test("the comparison was not vacuous", (t) => {
  t.diagnostic(
    `changed tokens: ${refused} refused by both, ${stricter} by us alone, ${accepted} still good for both`,
  );
  assert.ok(refused > rounds * fixtures.length * 2 && accepted > 0 && stricter > 0);
});
