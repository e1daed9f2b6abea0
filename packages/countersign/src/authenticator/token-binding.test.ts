import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Call } from "../core/call.ts";
import { atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { signToken } from "../jwt/signer.ts";
import { account, authOf, FakeTable } from "./accounts.suite.ts";
import { jwt } from "./jwt.ts";

// RFC 8705 section 3: a token that says so is good only over a connection with its holder's certificate.

const key = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });
const [mine, theirs] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
const thumbprint = (der: Uint8Array) => createHash("sha256").update(der).digest("base64url");

function setup(cnf: unknown, withUsers = true) {
  const users = new FakeTable(account());
  const { decide } = authOf([jwt({ keys: createKeyRing([key]), ...(withUsers && { users }) })]);
  const claims = { token_type: "access", sub: "1", exp: Math.floor(Date.now() / 1000) + 900, cnf };
  const token = `Bearer ${signToken(claims, key)}`;
  return {
    users,
    ask: (certificate?: Uint8Array) => {
      const peer = { address: undefined, ...(certificate !== undefined && { certificate }) };
      const call: Call = { ...fakeCall("GET /", { authorization: token }), peer };
      return atOnce(decide(call));
    },
  };
}

describe("a token that is bound to a client certificate", () => {
  for (const withUsers of [true, false]) {
    const title = withUsers ? "with a source of users" : "without one";
    it(`is good with it, and with nothing else, cold and warm, ${title}`, () => {
      const { ask } = setup({ "x5t#S256": thumbprint(mine) }, withUsers);
      // Cold.
      assert.deepEqual([reasonOf(ask(theirs)), reasonOf(ask())], ["TOKEN_INVALID", "TOKEN_INVALID"]);
      for (let round = 0; round < 3; round++) {
        assert.equal(reasonOf(ask(mine)), "ok");
        assert.equal(reasonOf(ask(Uint8Array.from(mine))), "ok");
        // Warm: the token is in the cache, and another connection presents it.
        assert.equal(reasonOf(ask(theirs)), "TOKEN_INVALID");
        assert.equal(reasonOf(ask()), "TOKEN_INVALID");
      }
    });
  }

  it("says why to the log alone", () => {
    const { ask, users } = setup({ "x5t#S256": thumbprint(mine) });
    for (const warm of [false, true]) {
      if (warm) ask(mine);
      const decision = ask(theirs);
      assert.ok(!decision.ok);
      assert.equal(decision.denial.message, "Token invalid");
      assert.match(String(decision.denial.cause), /bound to a client certificate/);
      assert.deepEqual(decision.denial.challenges, ['Bearer error="invalid_token"']);
    }
    assert.equal(users.loads, 1);
  });
});

describe("a binding that is not understood", () => {
  for (const cnf of [
    { jkt: thumbprint(mine) },
    { "x5t#S256": thumbprint(mine), jkt: thumbprint(mine) },
    { "x5t#s256": thumbprint(mine) },
    { kid: "1" },
    {},
    [],
    null,
    thumbprint(mine),
    { "x5t#S256": [thumbprint(mine)] },
    { "x5t#S256": `${thumbprint(mine)}=` },
    { "x5t#S256": createHash("sha256").update(mine).digest("hex") },
    { "x5t#S256": "" },
    true,
  ]) {
    it(`${JSON.stringify(cnf)} is refused with any certificate`, () => {
      const { ask } = setup(cnf);
      for (const certificate of [mine, undefined]) {
        assert.equal(reasonOf(ask(certificate)), "TOKEN_INVALID");
        assert.equal(reasonOf(ask(certificate)), "TOKEN_INVALID");
      }
    });
  }
});

it("a token without a binding is good over any connection", () => {
  const { ask } = setup(undefined);
  for (const certificate of [mine, theirs, undefined]) assert.equal(reasonOf(ask(certificate)), "ok");
});
