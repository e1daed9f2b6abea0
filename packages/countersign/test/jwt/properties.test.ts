import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { isPromise } from "../../src/core/decision.ts";
import { decodeBase64url } from "../../src/jwt/base64url.ts";
import { createMac } from "../../src/jwt/hmac.ts";
import { JsonReader } from "../../src/jwt/json.ts";
import { createKeyRing } from "../../src/jwt/key-ring.ts";
import { peekToken } from "../../src/jwt/peek.ts";
import { signToken } from "../../src/jwt/signer.ts";
import { createTokenCache } from "../../src/jwt/token-cache.ts";
import { createTokenVerifier } from "../../src/jwt/verifier.ts";
import { encode, fixtures, sign } from "./fixtures.ts";

const now = 1_800_000_000_000;
const hs256 = fixtures[0] as (typeof fixtures)[number];
const verifier = createTokenVerifier({ keys: createKeyRing([hs256.verifier]), audience: false });
const claims = { sub: "7", exp: now / 1000 + 900, token_type: "access" };
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function check(token: string) {
  const result = verifier.verify(token, now);
  assert.ok(!isPromise(result));
  return result;
}

/** Names and texts that lie in wait for a hasty parser. */
const traps = ["a", ":", '"', '":', "\\", '\\":', " :", "constructor", "1", ""];
const anyText = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(...traps));
// Names that are refused wherever they stand; there are tests of their own for them.
const names = anyText.filter((text) => text !== "__proto__" && !text.includes("\\"));
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    anyText,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(names, tie("value"), { maxKeys: 5 }),
}));
const objects = fc.dictionary(names, json, { maxKeys: 6 });
const spaces = fc.constantFrom("", " ", "\n", "\t ", "\r\n");

test("base64url: decode(encode(x)) = x, and nothing else decodes to x", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.string({ maxLength: 80 }), (bytes, text) => {
      assert.deepEqual(decodeBase64url(encode(bytes)), Buffer.from(bytes));
      const decoded = decodeBase64url(text);
      assert.ok(decoded === undefined || encode(decoded) === text);
    }),
    { numRuns: 3000 },
  );
  const units = fc.string({ unit: fc.constantFrom(...alphabet, "=", "+", "/", " ", "\u0141"), maxLength: 9 });
  fc.assert(
    fc.property(units, (text) => {
      const canonical =
        /^[\w-]*$/.test(text) && text.length % 4 !== 1 && encode(Buffer.from(text, "base64url")) === text;
      assert.equal(decodeBase64url(text) !== undefined, canonical);
    }),
    { numRuns: 5000 },
  );
});

const reader = new JsonReader();

/** Texts that are nearly JSON: pieces of it, and whole objects with a piece exchanged. */
const pieces = fc.constantFrom(
  ...[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    '\\"',
    "\\u0041",
    "\\ud800",
    "\\x",
    "\n",
    " ",
    "\t",
    "\u00a0",
    "\ufeff",
    "\0",
  ],
  ...[
    "0",
    "1",
    "-",
    ".",
    "e",
    "E+",
    "01",
    "1e400",
    "-0",
    "true",
    "false",
    "null",
    "nul",
    "NaN",
    "a",
    "\u00e9",
    "\ufffd",
  ],
  ...['"a"', '"b"', '"a":', '{"a":1}', "[1]", '"__proto__":1', "//", "/*", "'"],
);
const nearlyJson = fc.oneof(
  fc.array(pieces, { maxLength: 12 }).map((list) => `{${list.join("")}}`),
  fc
    .tuple(objects, fc.nat(), fc.nat({ max: 3 }), fc.array(pieces, { maxLength: 2 }))
    .map(([value, at, length, list]) => {
      const text = JSON.stringify(value);
      const from = at % (text.length + 1);
      return text.slice(0, from) + list.join("") + text.slice(from + length);
    }),
);

test("JSON: reads nothing that JSON.parse does not, and nothing otherwise", () => {
  const accepted = { texts: 0 };
  fc.assert(
    fc.property(nearlyJson, (nearly) => {
      const text = nearly.toWellFormed();
      const read = reader.read(Buffer.from(text));
      if (read === undefined) return;
      accepted.texts++;
      assert.deepEqual(read, JSON.parse(text), text);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted.texts > 1000, `${accepted.texts} were JSON`);
});

test("JSON: parse(print(x)) = x, however it is spaced", () => {
  fc.assert(
    fc.property(objects, fc.constantFrom(0, 1, 4, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(reader.read(Buffer.from(text)), JSON.parse(text));
    }),
    { numRuns: 3000 },
  );
});

/** Prints as JSON by hand, with white space before colons and any one member written twice. */
function printTwice(value: Record<string, unknown>, name: string, second: unknown, space: string): string {
  const member = (key: string, item: unknown) => `${JSON.stringify(key)}${space}:${JSON.stringify(item)}`;
  return `{${[...Object.entries(value).map(([key, item]) => member(key, item)), member(name, second)].join(",")}}`;
}

test("JSON: a member twice is always refused, and a new one never", () => {
  fc.assert(
    fc.property(objects, names, json, spaces, fc.boolean(), (value, name, second, space, nested) => {
      const text = printTwice(value, name, second, space);
      const wrapped = nested ? `{"x":[${text}]}` : text;
      const parsed = reader.read(Buffer.from(wrapped));
      assert.equal(parsed !== undefined, !Object.hasOwn(value, name), wrapped);
    }),
    { numRuns: 5000 },
  );
});

test("HMAC: the same as createHmac for every key and text", () => {
  const hashes = fc.constantFrom("sha256" as const, "sha384" as const, "sha512" as const);
  fc.assert(
    fc.property(
      hashes,
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.string({ unit: "binary" }),
      (hash, secret, text) => {
        assert.equal(
          createMac(hash, secret)(text),
          createHmac(hash, secret).update(text, "utf8").digest("base64url"),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

test("verify never throws, and accepts nothing that nobody signed", () => {
  const token = signToken(claims, hs256.signer);
  const pieces = fc.constantFrom(...token.split("."), ".", "..", "", "e30", "eyJhbGciOiJub25lIn0", "=", "\0");
  const garbage = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 7 }).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(garbage, (text) => {
      assert.equal(check(text).ok, text === token);
      peekToken(text);
      verifier.recognizes(text);
    }),
    { numRuns: 5000 },
  );
  for (const value of [undefined, null, 7, {}, [], Symbol("x"), () => token])
    assert.ok(!check(value as unknown as string).ok);
});

test("verify never throws for what the right key has signed", () => {
  const any = fc.oneof(objects, fc.jsonValue());
  const headers = fc.oneof(objects, fc.constant({})).map((extra) => ({ alg: "HS256", kid: "k", ...extra }));
  fc.assert(
    fc.property(headers, any, (header, payload) => {
      const result = check(sign(header, JSON.stringify(payload) ?? "", hs256.signer));
      assert.ok(result.ok || /^TOKEN_(INVALID|EXPIRED)$/.test(result.reason));
    }),
    { numRuns: 3000 },
  );
});

test("claims of any shape: what is accepted is what the schema promises", () => {
  const known =
    "exp iat nbf iss aud sub jti sid client_id token_type username email is_staff is_superuser roles permissions user_id".split(
      " ",
    );
  const values = fc.oneof(fc.jsonValue(), fc.constantFrom("x", 7, true, now / 1000, ["r"], "access"));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...known), values, { maxKeys: 4 }), (odd) => {
      const result = check(sign({ alg: "HS256", kid: "k" }, { ...claims, ...odd }, hs256.signer));
      if (!result.ok) return;
      const {
        exp = Number.NaN,
        iat = 0,
        nbf = 0,
        sub,
        jti,
        roles = [],
        permissions = [],
        is_staff = false,
      } = result.claims;
      assert.ok(
        [exp, iat, nbf].every(Number.isSafeInteger) && exp * 1000 + 5000 > now && nbf * 1000 - 5000 <= now,
      );
      assert.ok(typeof sub === "string" && sub === result.userId && /^\P{Cc}{1,255}$/u.test(sub));
      assert.ok(jti === undefined || typeof jti === "string");
      assert.ok(
        [...roles, ...permissions].every((name) => typeof name === "string") && typeof is_staff === "boolean",
      );
    }),
    { numRuns: 5000 },
  );
});

for (const fixture of fixtures) {
  test(`${fixture.algorithm}: every change of one character is refused, and so is every respelling`, async () => {
    const token = signToken(claims, fixture.signer);
    const keys = createKeyRing([fixture.verifier]);
    const accepts = async (text: string) => (await createTokenVerifier({ keys }).verify(text, now)).ok;
    assert.ok(await accepts(token));
    const positions = Array.from({ length: token.length }, (_, at) => at).filter(
      (at) => fixture.verifier.symmetric || at % 5 === 0 || token.length - at < 4,
    );
    const replaced = (at: number, character: string) => token.slice(0, at) + character + token.slice(at + 1);
    const other = (at: number) =>
      alphabet[(alphabet.indexOf(token[at] ?? "A") + 1 + (randomBytes(1)[0] ?? 0)) % 63] ?? "A";
    const changes = positions.flatMap((at) =>
      [other(at), ".", " "].filter((c) => c !== token[at]).map((c) => replaced(at, c)),
    );
    // The unused bits of the last characters: the same bytes to a lenient decoder.
    const ends = [token.indexOf(".") - 1, token.lastIndexOf(".") - 1, token.length - 1];
    const respelled = ends.flatMap((at) =>
      [...alphabet].filter((c) => c !== token[at]).map((c) => replaced(at, c)),
    );
    const spaced = ["=", "==", " ", "\n", "\t", "\r\n", "\0"].flatMap((c) => [
      token + c,
      c + token,
      ...ends.map((at) => token.slice(0, at + 1) + c + token.slice(at + 1)),
    ]);
    const low = positions.map((at) => replaced(at, String.fromCharCode(token.charCodeAt(at) + 0x100)));
    const standard = [token.replaceAll("-", "+"), token.replaceAll("_", "/")].filter(
      (text) => text !== token,
    );
    for (const text of [...changes, ...respelled, ...spaced, ...low, ...standard])
      assert.ok(!(await accepts(text)), JSON.stringify(text));
    assert.ok(await accepts(token), "and the token itself is still good");
  });
}

test("the cache answers as a Map would, or not at all", () => {
  const tails = fc.constantFrom("a".repeat(12), "b".repeat(12), "c");
  const values = fc.tuple(fc.constantFrom("", "x", "y", "zz"), tails).map((parts) => parts.join(""));
  const steps = fc.array(fc.tuple(fc.constantFrom("get", "set", "delete"), values), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 2, max: 6 }), (list, capacity) => {
      const cache = createTokenCache<{ value: string; step: number }>({ capacity });
      const model = new Map<string, number>();
      list.forEach(([operation, value], step) => {
        if (operation === "set") {
          cache.set({ value, step });
          model.set(value, step);
          assert.equal(cache.get(value)?.step, step);
        } else if (operation === "delete") {
          cache.delete(value);
          model.delete(value);
        }
        const found = cache.get(value);
        assert.ok(found === undefined || (found.value === value && found.step === model.get(value)));
        assert.ok(cache.size <= capacity);
      });
    }),
    { numRuns: 2000 },
  );
});
