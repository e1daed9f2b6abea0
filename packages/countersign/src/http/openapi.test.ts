import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { developmentKey } from "../authenticator/development-key.ts";
import { jwt } from "../authenticator/jwt.ts";
import { staticApiKey } from "../authenticator/static-api-key.ts";
import { createAuth } from "../core/auth.ts";
import type { Authenticator } from "../core/authenticator.ts";
import { fakeAuthenticator } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { createKeyRing, hmacKey } from "../jwt.ts";
import { type SecurityScheme, securityOf } from "./openapi.ts";

const key = "sk-jobs-0123456789abcdef";
const keys = [{ name: "jobs", key }] as const;
const signing = hmacKey({ secret: "only for this test: 32 bytes or more", algorithm: "HS256" });
const tokens = (options: object) =>
  jwt<Principal>({ keys: createKeyRing([signing]), requiredClaims: ["exp"], ...options } as never);

function documented(authenticator: Authenticator<Principal>, known: Record<string, SecurityScheme> = {}) {
  const auth = createAuth<Principal>({
    authenticators: [authenticator],
    policy: [],
  });
  auth.serveRoute("GET /a", { guards: ["authenticated"] });
  return securityOf(auth, "GET /a", known);
}
const inHeader = (name: string) => ({ type: "apiKey", in: "header", name }) as const;

describe("what OpenAPI says of an authenticator", () => {
  const firstSuperuser = () => undefined;
  const cases: Readonly<Record<string, readonly [Authenticator<Principal>, SecurityScheme]>> = {
    "a key in a header": [staticApiKey({ keys }), inHeader("x-api-key")],
    "a bare key in authorization": [
      staticApiKey({ keys, header: "authorization" }),
      inHeader("authorization"),
    ],
    "a key behind a scheme": [
      staticApiKey({ keys, header: "authorization", scheme: "ApiKey" }),
      { type: "http", scheme: "apikey" },
    ],
    "a development key in authorization": [
      developmentKey({ secret: key, firstSuperuser, header: "authorization" }),
      inHeader("authorization"),
    ],
    "a token": [tokens({}), { type: "http", scheme: "bearer" }],
    "a token behind another scheme": [tokens({ scheme: "Token" }), { type: "http", scheme: "token" }],
    "a bare token": [tokens({ scheme: "" }), inHeader("authorization")],
    "one that names its challenge alone": [
      fakeAuthenticator(() => undefined, { header: "authorization", challenge: 'Basic realm="x"' }),
      { type: "http", scheme: "basic" },
    ],
  };
  for (const [name, [authenticator, scheme]] of Object.entries(cases))
    it(`is how ${name} is sent`, () => {
      assert.deepEqual(Object.values(documented(authenticator).schemes), [scheme]);
    });

  it("has another name where the document has another scheme of that name", () => {
    const other = staticApiKey<Principal>({ keys, header: "x-other-key" });
    const known: Record<string, SecurityScheme> = { ...documented(staticApiKey({ keys })).schemes };
    const second = documented(other, known);
    assert.deepEqual(second.security, [{ api_key_2: [] }]);
    assert.deepEqual(second.schemes, { api_key_2: inHeader("x-other-key") });
    Object.assign(known, second.schemes);
    assert.deepEqual(documented(other, known).security, [{ api_key_2: [] }]);
    assert.deepEqual(documented(staticApiKey({ keys }), known).security, [{ api_key: [] }]);
  });
});
