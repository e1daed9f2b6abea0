import assert from "node:assert/strict";
import test from "node:test";
import { createAuth, type Principal, policyFor } from "countersign";
import { createIssuer, oidc } from "countersign/oidc";
import { FakeClock, fakeCall, issuerKey, TestIssuer } from "countersign/testing";

test("tokens of an issuer: rotated keys are found, and an outage is no open door", async (t) => {
  const idp = await TestIssuer.start();
  t.after(() => idp.close());
  const clock = new FakeClock();
  const issuer = createIssuer({ issuer: idp.url, allowLoopback: true, elapsed: clock.now });
  const auth = createAuth<Principal>({
    authenticators: [oidc({ issuer, kind: "id-token", clientId: "client-1" })],
    policy: [policyFor<Principal>().routes({ "GET /": "authenticated" })],
  });
  const ask = async (token: string): Promise<string> => {
    const decision = await auth.decide(fakeCall("GET /", { authorization: `Bearer ${token}` }));
    return decision.ok ? "ok" : decision.denial.reason;
  };

  assert.equal(await ask(idp.token()), "ok");
  assert.equal(await ask(idp.token({ aud: "another-client" })), "TOKEN_INVALID");
  assert.equal(await ask(idp.token({}, {}, issuerKey())), "TOKEN_INVALID");

  idp.keys = [issuerKey()];
  clock.advance(31_000);
  assert.equal(await ask(idp.token()), "ok");

  // What can go wrong with each document: "down", "silent", "endless", "large", "redirect", "500", "html", …
  idp.faults.jwks = "down";
  clock.advance(16 * 60_000);
  assert.equal(await ask(idp.token()), "UNAVAILABLE");
});
