import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { allow, type Principal } from "countersign";
import { createKeyRing, createTokenVerifier, privateKey, type SigningKey } from "countersign/jwt";
import { createIdentityTokens, identityType } from "./identity-tokens.ts";

const { privateKey: pem } = generateKeyPairSync("ed25519", {
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const key = privateKey({ key: pem, algorithm: "EdDSA", kid: "k1" });
const verifier = createTokenVerifier({
  keys: createKeyRing([key.publicKey]),
  typ: identityType,
  tokenType: "identity",
  audience: "orders",
  maxLifetimeSeconds: 60,
  leewaySeconds: 0,
});
const get = "/acme.Orders/Get";

class Stage {
  now = 1_800_000_000_250;
  signed = 0;
  readonly tokens = createIdentityTokens({
    audiences: new Map([
      [get, "orders"],
      ["/acme.Orders/Put", "orders"],
    ]),
    issuer: "https://auth.example",
    lifetimeSeconds: 30,
    signingKey: (): SigningKey => {
      this.signed += 1;
      return key;
    },
    now: () => this.now,
  });
}

const ann = {
  userId: "7",
  username: "ann",
  roles: ["clerk"],
  tenantId: "acme",
  isStaff: true,
} as unknown as Principal;
const admitted = (principal: Principal, expiresAt?: number) => allow(principal, "jwt", expiresAt);

describe("identity tokens", () => {
  it("say who calls what, and are good for half a minute", async () => {
    const stage = new Stage();
    const token = (await stage.tokens.tokenFor(admitted(ann), get)) ?? "";
    const verified = await verifier.verify(token, stage.now);
    if (!verified.ok) throw new Error(verified.cause);
    const { jti, ...claims } = verified.claims;
    notEqual(jti, undefined);
    deepEqual(claims, {
      ...{ iss: "https://auth.example", token_type: "identity", sub: "7", username: "ann", is_staff: true },
      ...{ roles: ["clerk"], tenant: "acme", authenticator: "jwt", aud: "orders", procedure: get },
      ...{ iat: 1_800_000_000, exp: 1_800_000_030 },
    });
    equal((await verifier.verify(token, 1_800_000_030_000)).ok, false);
  });

  it("are nobody's where nobody calls, or no service is meant", () => {
    const { tokens } = new Stage();
    const anonymous = {
      ok: true,
      principal: undefined,
      authenticator: undefined,
      expiresAt: Infinity,
    } as const;
    equal(tokens.tokenFor(anonymous, get), undefined);
    equal(tokens.tokenFor(admitted(ann), "GET /elsewhere"), undefined);
  });

  it("are signed once for many calls, and anew after half of their life", async () => {
    const stage = new Stage();
    const ask = () => stage.tokens.tokenFor(admitted(ann), get);
    const [first, ...others] = await Promise.all([ask(), ask(), ask()]);
    deepEqual([stage.signed, others], [1, [first, first]]);
    equal(ask(), first, "without a promise");
    notEqual(await stage.tokens.tokenFor(admitted(ann), "/acme.Orders/Put"), first);
    notEqual(
      await stage.tokens.tokenFor(admitted({ ...ann }), get),
      first,
      "what is cached of a caller is the caller",
    );
    stage.now += 14_999;
    equal(ask(), first);
    const { signed } = stage;
    stage.now += 1;
    deepEqual([ask(), ask(), ask()], [first, first, first], "nobody waits for the next one");
    equal(stage.signed, signed + 1);
    while (ask() === first) await new Promise((resolve) => setImmediate(resolve));
    const second = ask();
    equal(typeof second, "string");
    stage.now += 22_500;
    notEqual(await ask(), second, "a quarter of its life is left to whoever gets it");
  });

  it("end with the credential", async () => {
    const stage = new Stage();
    const end = stage.now + 3000;
    const token = (await stage.tokens.tokenFor(admitted(ann, end), get)) ?? "";
    const verified = await verifier.verify(token, stage.now);
    equal(verified.ok && verified.claims.exp, 1_800_000_003);
    stage.now = end;
    const late = (await stage.tokens.tokenFor(admitted(ann, end), get)) ?? "";
    equal((await verifier.verify(late, stage.now)).ok, false);
  });

  it("are tried again after a key could not be had", async () => {
    let away = true;
    const tokens = createIdentityTokens({
      ...{ audiences: new Map([[get, "orders"]]), issuer: undefined, lifetimeSeconds: 30 },
      signingKey: async () => {
        if (away) throw new Error("away");
        return key;
      },
    });
    await rejects(Promise.resolve(tokens.tokenFor(admitted(ann), get)), /away/);
    away = false;
    equal(typeof (await tokens.tokenFor(admitted(ann), get)), "string");
  });
});
