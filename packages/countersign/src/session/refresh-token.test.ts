import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { createRefreshTokens } from "./refresh-token.ts";

const tokens = createRefreshTokens(new Uint8Array(32).fill(7));
const session = fc.stringMatching(/^[A-Za-z0-9_-]{16,64}$/);
const generation = fc.integer({ min: 0, max: 999_999_999 });

test("what is issued is parsed, and the same question has the same answer", () => {
  fc.assert(
    fc.property(session, generation, (id, number) => {
      const token = tokens.issue(id, number);
      assert.deepEqual(tokens.parse(token), { sessionId: id, generation: number });
      assert.equal(tokens.issue(id, number), token);
    }),
  );
});

test("any other character anywhere is refused", () => {
  fc.assert(
    fc.property(
      session,
      generation,
      fc.nat(),
      fc.constantFrom(..."AZaz09-_.=+/ "),
      (id, number, at, character) => {
        const token = tokens.issue(id, number);
        const index = at % token.length;
        const changed = token.slice(0, index) + character + token.slice(index + 1);
        fc.pre(changed !== token);
        assert.equal(tokens.parse(changed), undefined);
      },
    ),
  );
});

test("a respelt MAC or number is refused", () => {
  const token = tokens.issue("0123456789abcdef", 7);
  assert.equal(tokens.parse(`${token}=`), undefined);
  assert.equal(tokens.parse(token.replace(".7.", ".07.")), undefined);
  assert.equal(tokens.parse(` ${token}`), undefined);
  // The last character of 43 has two bits that say nothing.
  const last = token.slice(-1);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const sibling = alphabet.charAt(alphabet.indexOf(last) ^ 1);
  assert.equal(tokens.parse(token.slice(0, -1) + sibling), undefined);
});

test("another key's tokens are refused, and a short key is a mistake", () => {
  const other = createRefreshTokens(new Uint8Array(32).fill(8));
  assert.equal(tokens.parse(other.issue("0123456789abcdef", 1)), undefined);
  assert.throws(() => createRefreshTokens(new Uint8Array(31)), TypeError);
});

test("accepts what was derived under previous keys, and derives under the first", () => {
  const [old, fresh] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const both = createRefreshTokens(fresh, old);
  const id = "a-session-with-an-id";
  assert.deepEqual(both.parse(createRefreshTokens(old).issue(id, 3)), { sessionId: id, generation: 3 });
  assert.equal(both.issue(id, 3), createRefreshTokens(fresh).issue(id, 3));
  assert.equal(createRefreshTokens(old).parse(both.issue(id, 3)), undefined);
  assert.equal(both.parse(createRefreshTokens(new Uint8Array(32).fill(3)).issue(id, 3)), undefined);
});
