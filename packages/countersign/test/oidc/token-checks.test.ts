import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { Principal } from "../../src/core/principal.ts";
import { type OidcOptions, oidc } from "../../src/oidc.ts";
import { encode, type IssuerKey, issuerKey, signed, TestIssuer } from "../../src/testing/test-issuer.ts";
import { authOf, type Door, doorOf, idTokenDoor, issuerOf } from "./fixture.ts";

type Json = Readonly<Record<string, unknown>>;

let stub: TestIssuer;
before(async () => {
  stub = await TestIssuer.start();
});
after(() => stub.close());

const seconds = () => Math.floor(Date.now() / 1000);
const invalid = (cause: string) => `TOKEN_INVALID: ${cause}`;

/** A fault of an ID token's claims, and what is said of it. */
const claimFaults: Readonly<Record<string, readonly [claims: () => Json, says: string]>> = {
  "nothing at all": [() => ({}), "ok"],
  "another issuer": [() => ({ iss: "https://evil.example" }), invalid("claim iss is another issuer")],
  "an issuer with a slash more": [() => ({ iss: `${stub.url}/` }), invalid("claim iss is another issuer")],
  "no issuer": [() => ({ iss: undefined }), invalid("claim iss is missing")],
  "another audience": [() => ({ aud: "client-2" }), invalid("claim aud is another audience")],
  "no audience": [() => ({ aud: undefined }), invalid("claim aud is missing")],
  "an empty audience": [() => ({ aud: [] }), invalid("claim aud is another audience")],
  "an audience in another case": [() => ({ aud: "CLIENT-1" }), invalid("claim aud is another audience")],
  "an audience that is not trusted": [
    () => ({ aud: ["client-1", "evil"], azp: "client-1" }),
    invalid("claim aud has an audience that is not trusted"),
  ],
  "several audiences without azp": [
    () => ({ aud: ["client-1", "sister"] }),
    invalid("claim azp is missing beside several audiences"),
  ],
  "several audiences with azp": [() => ({ aud: ["client-1", "sister"], azp: "client-1" }), "ok"],
  "an azp of somebody else": [() => ({ azp: "client-2" }), invalid("claim azp is another party")],
  "an azp that is no text": [() => ({ azp: ["client-1"] }), invalid("claim azp is another party")],
  "an end that has passed": [() => ({ exp: seconds() - 6 }), "TOKEN_EXPIRED"],
  "no end": [() => ({ exp: undefined }), invalid("claim exp is missing")],
  "an end that is text": [() => ({ exp: "2099" }), invalid("claim exp is malformed")],
  "an end in milliseconds": [() => ({ exp: Date.now() * 1000 }), invalid("claim exp is malformed")],
  "no beginning": [() => ({ iat: undefined }), invalid("claim iat is missing")],
  "a beginning in the future": [() => ({ iat: seconds() + 60 }), invalid("claim iat is in the future")],
  "nbf in the future": [() => ({ nbf: seconds() + 60 }), invalid("not valid yet")],
  "no subject": [() => ({ sub: undefined }), invalid("claim sub is missing")],
  "no subject, but a user_id": [() => ({ sub: undefined, user_id: "1" }), invalid("claim sub is missing")],
  "an empty subject": [() => ({ sub: "" }), invalid("claim sub is malformed")],
  "a subject that is a number": [() => ({ sub: 7 }), invalid("claim sub is malformed")],
  "a long subject": [() => ({ sub: "s".repeat(256) }), invalid("claim sub is malformed")],
  "logout events": [() => ({ events: {} }), invalid("the claims are those of another kind of token")],
  "Cognito's use of an access token": [
    () => ({ token_use: "access" }),
    invalid("the claims are those of another kind of token"),
  ],
  "Keycloak's type of an access token": [
    () => ({ typ: "Bearer" }),
    invalid("the claims are those of another kind of token"),
  ],
  "Keycloak's type of an ID token": [() => ({ typ: "ID" }), "ok"],
};

/** Faults of the whole token. */
const tokenFaults: Readonly<Record<string, readonly [token: () => string, says: string | RegExp]>> = {
  "algorithm none": [
    () => `${encode('{"alg":"none","typ":"JWT"}')}.${encode(JSON.stringify(stub.claims()))}.`,
    /^(TOKEN_INVALID|CREDENTIALS_MALFORMED)/,
  ],
  "RS/HS confusion: the public key as a secret": [
    () => {
      const secret = stub.key.publicKey.export({ type: "spki", format: "pem" });
      const input = `${encode(JSON.stringify({ alg: "HS256", kid: stub.key.kid }))}.${encode(JSON.stringify(stub.claims()))}`;
      return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
    },
    invalid("no key for this kid and alg"),
  ],
  "a symmetric key of the published set": [
    () => {
      const input = `${encode('{"alg":"HS256","kid":"shared"}')}.${encode(JSON.stringify(stub.claims()))}`;
      return `${input}.${createHmac("sha256", Buffer.alloc(32, 7)).update(input).digest("base64url")}`;
    },
    invalid("no key for this kid and alg"),
  ],
  "a key that nobody knows": [
    () => stub.token({}, { kid: "other" }, issuerKey()),
    invalid("no key for this kid and alg"),
  ],
  "the right kid with the wrong key": [
    () => stub.token({}, {}, issuerKey("ES256", stub.key.kid)),
    invalid("signature does not match"),
  ],
  "a key of the set that is for encryption": [
    () => stub.token({}, { kid: "encryption" }),
    invalid("no key for this kid and alg"),
  ],
  "a key in its own header (CVE-2018-0114)": [
    () => {
      const own = issuerKey();
      return stub.token({}, { jwk: own.jwk, jku: "https://evil.example/jwks", kid: "own" }, own);
    },
    invalid("no key for this kid and alg"),
  ],
  crit: [() => stub.token({}, { crit: ["b64"], b64: true }), invalid("header has crit, b64 or zip")],
  "the type of an access token": [
    () => stub.token({}, { typ: "at+jwt" }),
    invalid("typ is another kind of token"),
  ],
  "the type of a logout token": [
    () => stub.token({}, { typ: "logout+jwt" }),
    invalid("typ is another kind of token"),
  ],
  "no type": [() => stub.token({}, { typ: undefined }), "ok"],
  "a claim that is there twice": [
    () => {
      const text = JSON.stringify(stub.claims());
      return signed({ alg: "ES256", kid: stub.key.kid }, `${text.slice(0, -1)},"sub":"admin"}`, stub.key);
    },
    // The claims cannot be read, so that it is nobody's where others read the header too.
    invalid("payload is not a strict JSON object"),
  ],
  "another spelling": [() => `${stub.token()}=`, invalid("signature does not match")],
};

describe("ID tokens (OpenID Connect Core 1.0 section 3.1.3.7)", () => {
  let door: Door;
  before(async () => {
    door = idTokenDoor(stub, {}, { trustedAudiences: ["sister"] } as Partial<OidcOptions<Principal>>);
    assert.equal(await door.says(stub.token({ sub: "first" })), "ok");
  });
  for (const [fault, [claims, says]] of Object.entries(claimFaults)) {
    it(`with ${fault}`, async () => assert.equal(await door.says(stub.token(claims())), says));
  }
  for (const [fault, [token, says]] of Object.entries(tokenFaults)) {
    it(`with ${fault}`, async () => {
      const said = await door.says(token());
      if (typeof says === "string") assert.equal(said, says);
      else assert.match(said, says);
    });
  }

  it("are of the algorithms that are configured, and of no other", async () => {
    const keys = [issuerKey("RS256"), issuerKey("ES256"), issuerKey("EdDSA")];
    const before = stub.keys;
    stub.keys = keys;
    const [any, one] = [idTokenDoor(stub), idTokenDoor(stub, { algorithms: ["EdDSA"] })];
    const says = (at: Door) => Promise.all(keys.map((key: IssuerKey) => at.says(stub.token({}, {}, key))));
    assert.deepEqual(await says(any), ["ok", "ok", "ok"]);
    const unknown = invalid("no key for this kid and alg");
    assert.deepEqual(await says(one), [unknown, unknown, "ok"]);
    stub.keys = before;
  });

  it("of Google have two spellings of their issuer, where both are configured", async () => {
    const short = stub.token({ iss: "accounts.google.com" });
    assert.equal(await idTokenDoor(stub).says(short), invalid("not a token of this issuer"));
    const google = idTokenDoor(stub, { alsoKnownAs: ["accounts.google.com"] });
    assert.equal(await google.says(short), "ok");
    const [one, other] = await Promise.all([google.decide(short), google.decide(stub.token())]);
    assert.ok(one.ok && other.ok);
    // One person, however the issuer is spelled.
    assert.equal(one.principal?.userId, `${stub.url}|subject-1`);
    assert.equal(other.principal?.userId, one.principal?.userId);
    assert.equal(
      await google.says(stub.token({ iss: "accounts.google.com.evil" })),
      invalid("claim iss is another issuer"),
    );
  });

  it("of Google's mobile clients name another party, where that is configured", async () => {
    const door = idTokenDoor(stub, {}, { authorizedParties: ["android"] } as Partial<OidcOptions<Principal>>);
    assert.equal(await door.says(stub.token({ azp: "android" })), "ok");
    assert.equal(await door.says(stub.token({ azp: "client-1" })), invalid("claim azp is another party"));
  });

  it("of a domain, where that is configured", async () => {
    const door = idTokenDoor(stub, {}, { requiredValues: { hd: "example.org" } });
    assert.equal(await door.says(stub.token({ hd: "example.org" })), "ok");
    for (const hd of [undefined, "example.com", ["example.org"]])
      assert.equal(await door.says(stub.token({ hd })), invalid("claim hd is not as required"));
  });

  it("stand for who is in them, and only an address that is verified is one", async () => {
    const door = idTokenDoor(stub);
    const claims = {
      email: "ada@example.org",
      preferred_username: "ada",
      is_superuser: true,
      is_staff: true,
    };
    const rights = { roles: ["admin"], permissions: ["auth.users:write"], sid: "a-session", jti: "j" };
    const principalOf = async (given: Json) => {
      const decision = await door.decide(stub.token({ ...claims, ...rights, ...given }));
      assert.ok(decision.ok && decision.principal);
      return decision.principal;
    };
    const ada = await principalOf({ email_verified: true });
    assert.deepEqual(
      [ada.userId, ada.email, ada.username, ada.authenticator, ada.isStaff, ada.isSuperuser, ada.sessionId],
      [`${stub.url}|subject-1`, "ada@example.org", "ada", "oidc", false, false, undefined],
    );
    assert.deepEqual([ada.roles, [...ada.permissions]], [[], []]);
    for (const verified of [undefined, false, "true", 1, null]) {
      const { email, claims } = await principalOf({ email_verified: verified });
      assert.deepEqual([email, "email" in claims], [undefined, false], String(verified));
    }
  });
});

describe("access tokens (RFC 9068)", () => {
  const claims = {
    aud: ["api", "other"],
    client_id: "app",
    jti: "t1",
    scope: "a:read b:write",
    groups: ["x"],
  };
  const token = (given: Json = {}, header: Json = {}) =>
    stub.token({ ...claims, ...given }, { typ: "at+jwt", ...header });
  const door = (given: Partial<OidcOptions<Principal>> = {}): Door => {
    const options = { issuer: issuerOf(stub), kind: "access-token", audience: "api", ...given };
    return doorOf(authOf([oidc(options as OidcOptions<Principal>)]));
  };

  it("have the type, the audience and every claim", async () => {
    const standard = door();
    assert.equal(await standard.says(token()), "ok");
    assert.equal(await standard.says(token({}, { typ: "application/AT+JWT" })), "ok");
    assert.equal(await standard.says(token({}, { typ: "JWT" })), invalid("typ is another kind of token"));
    assert.equal(await standard.says(token({ aud: "client-1" })), invalid("claim aud is another audience"));
    for (const claim of ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"])
      assert.equal(
        await standard.says(token({ [claim]: undefined })),
        invalid(`claim ${claim} is missing`),
        claim,
      );
  });

  it("are not ID tokens, also where they have no type of their own", async () => {
    const loose = door({ typ: "JWT" } as Partial<OidcOptions<Principal>>);
    assert.equal(await loose.says(token({ jti: undefined, client_id: undefined }, { typ: "JWT" })), "ok");
    for (const given of [
      { at_hash: "x" },
      { c_hash: "x" },
      { token_use: "id" },
      { typ: "ID" },
      { typ: "Refresh" },
    ]) {
      const says = await loose.says(token(given, { typ: "JWT" }));
      assert.equal(says, invalid("the claims are those of another kind of token"), JSON.stringify(given));
    }
    assert.equal(await door().says(stub.token({ aud: "api" })), invalid("not a token of this issuer"));
  });

  it("give what their mapping names", async () => {
    const mapping = {
      roles: "groups",
      permissions: "scope",
      userId: (claims: Json) => `u-${String(claims["sub"])}`,
    };
    const decision = await door({ mapping }).decide(token({ is_superuser: true }));
    assert.ok(decision.ok && decision.principal);
    const { userId, roles, permissions, clientId, isSuperuser } = decision.principal;
    assert.deepEqual([userId, roles, [...permissions]], ["u-subject-1", ["x"], ["a:read", "b:write"]]);
    assert.deepEqual([clientId, isSuperuser], ["app", false]);
  });

  it("and ID tokens of one issuer, and those of another, live side by side", async (context) => {
    const other = await TestIssuer.start();
    context.after(() => other.close());
    const issuer = issuerOf(stub);
    const auth = authOf([
      oidc<Principal>({ issuer, kind: "id-token", clientId: "client-1", name: "ids" }),
      oidc<Principal>({ issuer, kind: "access-token", audience: "api", name: "access" }),
      oidc<Principal>({ issuer: issuerOf(other), kind: "id-token", clientId: "client-1", name: "others" }),
    ]);
    const { decide, says } = doorOf(auth);
    const named = async (token: string) => {
      const decision = await decide(token);
      return decision.ok ? decision.authenticator : decision.denial.reason;
    };
    assert.deepEqual(
      [await named(stub.token()), await named(token()), await named(other.token())],
      ["ids", "access", "others"],
    );
    // Each issuer has its own keys: one cannot speak for the other.
    assert.equal(await says(stub.token({ iss: other.url })), invalid("no key for this kid and alg"));
    stub.faults.jwks = "down";
    assert.equal(await named(other.token({ sub: "unaffected" })), "others");
    delete stub.faults.jwks;
  });
});
