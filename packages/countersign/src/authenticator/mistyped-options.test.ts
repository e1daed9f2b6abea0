import assert from "node:assert/strict";
import { it } from "node:test";
import { createAuth } from "../core/auth.ts";
import { createLimiter } from "../limits/limiter.ts";
import { apiKey } from "./api-key.ts";
import { clientCertificate } from "./client-certificate.ts";
import { introspection } from "./introspection.ts";
import { jwt } from "./jwt.ts";
import { oidc } from "./oidc.ts";
import { staticApiKey } from "./static-api-key.ts";

// From JavaScript, or in an object that is spread, the compiler sees none of these.
const mistyped: readonly (readonly [make: (options: never) => unknown, options: object, message: RegExp])[] =
  [
    [createAuth, { revocation: {} }, /^createAuth\(\) takes no revocation$/],
    [jwt, { isuer: "https://id.example" }, /^jwt\(\) has no option isuer: it takes .*\bissuer\b/],
    [oidc, { kind: "id-token", audience: "us" }, /^oidc\(\) has no option audience: .*\bclientId\b/],
    [oidc, { audience: "us" }, /^the kind is "id-token" or "access-token"$/],
    [oidc, { kind: "access-token", clientId: "us" }, /^oidc\(\) has no option clientId: .*\baudience\b/],
    [introspection, { cacheSecond: 5 }, /^introspection\(\) has no option cacheSecond: .*\bcacheSeconds\b/],
    [apiKey, { clientAdress: () => "" }, /^apiKey\(\) has no option clientAdress: .*\bclientAddress\b/],
    [staticApiKey, { key: [], pepper: "" }, /^staticApiKey\(\) has no option key, pepper: it takes keys, /],
    [clientCertificate, { user: {} }, /^clientCertificate\(\) has no option user: .*\busers\b/],
    [createLimiter, { rate: {} }, /^createLimiter\(\) has no option rate: .*\brates\b/],
  ];

for (const [make, options, message] of mistyped) {
  it(`${make.name}() does not go by its defaults for ${Object.keys(options).join(", ")}`, () => {
    assert.throws(() => make(options as never), { name: "TypeError", message });
  });
}
