import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { createIdTokenVerifier, type ExpectedLogin, IssuerUnavailable } from "../../src/oidc.ts";
import { issuerKey, TestIssuer } from "../../src/testing/test-issuer.ts";
import { issuerOf } from "./fixture.ts";

let stub: TestIssuer;
before(async () => {
  stub = await TestIssuer.start();
  stub.keys = [issuerKey("ES256"), issuerKey("EdDSA")];
});
after(() => stub.close());

const left = (name: "sha256" | "sha512", value: string) => {
  const digest = hash(name, value, "buffer");
  return digest.subarray(0, digest.length / 2).toString("base64url");
};
const seconds = () => Math.floor(Date.now() / 1000);

describe("createIdTokenVerifier", () => {
  const verify = async (
    claims: Readonly<Record<string, unknown>>,
    expected: ExpectedLogin = {},
    key = stub.key,
  ) => {
    const verifier = createIdTokenVerifier(issuerOf(stub), { clientId: "client-1" });
    const result = await verifier.verify(stub.token(claims, {}, key), expected);
    return result.ok ? "ok" : `${result.reason}: ${result.cause}`;
  };

  it("has the nonce that was sent, and none if none was", async () => {
    const wrong = "TOKEN_INVALID: claim nonce is not the one that was sent";
    assert.equal(await verify({ nonce: "n1" }, { nonce: "n1" }), "ok");
    assert.equal(await verify({}), "ok");
    assert.equal(await verify({ nonce: "n2" }, { nonce: "n1" }), wrong);
    assert.equal(await verify({}, { nonce: "n1" }), wrong);
    assert.equal(await verify({ nonce: "n1" }), wrong);
    assert.equal(await verify({ nonce: ["n1"] }, { nonce: "n1" }), wrong);
  });

  it("was logged in to as lately as was asked", async () => {
    assert.equal(await verify({ auth_time: seconds() - 50 }, { maxAgeSeconds: 60 }), "ok");
    assert.equal(
      await verify({ auth_time: seconds() - 70 }, { maxAgeSeconds: 60 }),
      "TOKEN_INVALID: claim auth_time is longer ago than allowed",
    );
    for (const authTime of [undefined, "now", -1])
      assert.match(
        await verify({ auth_time: authTime }, { maxAgeSeconds: 60 }),
        /auth_time is missing or malformed/,
      );
  });

  it("came with its access token and its code, by the hash of its own algorithm", async () => {
    const [es256, ed25519] = [stub.keys[0], stub.keys[1]];
    const with256 = { at_hash: left("sha256", "at"), c_hash: left("sha256", "code") };
    const with512 = { at_hash: left("sha512", "at"), c_hash: left("sha512", "code") };
    const expected = { accessToken: "at", code: "code" };
    assert.equal(await verify(with256, expected, es256), "ok");
    assert.equal(await verify(with512, expected, ed25519), "ok");
    assert.match(await verify(with512, expected, es256), /at_hash is of another/);
    assert.match(
      await verify({ at_hash: with256.at_hash }, { accessToken: "other" }),
      /at_hash is of another/,
    );
    assert.match(await verify({ c_hash: with256.c_hash }, { code: "other" }), /c_hash is of another/);
    assert.equal(await verify({}, expected), "ok");
  });

  it("is checked as any other, and the keys are needed", async () => {
    assert.match(await verify({ aud: "other" }), /aud is another audience/);
    assert.equal(await verify({}, { now: Date.now() + 3_600_000 }), "TOKEN_EXPIRED: expired");
    stub.faults.jwks = "500";
    await assert.rejects(verify({}), IssuerUnavailable);
    delete stub.faults.jwks;
  });
});
