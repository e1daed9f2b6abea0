import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { createKeyRing, jwksOf, privateKey } from "countersign/jwt";
import { wellKnown } from "../src/listen/well-known.ts";

const { privateKey: key } = generateKeyPairSync("ed25519");
const ring = createKeyRing([privateKey({ key, algorithm: "EdDSA", kid: "k1" }).publicKey]);
const signing = { ring: () => ring, jwks: () => jwksOf(ring) };

async function serve(
  t: { after(work: () => void): void },
  options: Parameters<typeof wellKnown>[0],
  parts: Partial<{ signing: Parameters<typeof wellKnown>[1]; endpoints: Record<string, string> }> = {},
) {
  const handler = wellKnown(options, parts.signing ?? signing, parts.endpoints);
  const server = createServer((request, response) => {
    if (!handler(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

const publishAhead = { publish_ahead: 600 };

describe("the JWK Set", () => {
  test("is there without an issuer, may be kept for half the time that a key is published ahead", async (t) => {
    const ask = await serve(t, { publish_ahead: 100 });
    const response = await ask("/.well-known/jwks.json?x=1");
    assert.equal(response.status, 200);
    assert.deepEqual(
      ["content-type", "cache-control", "access-control-allow-origin"].map((name) =>
        response.headers.get(name),
      ),
      ["application/json", "public, max-age=50", "*"],
    );
    const { x } = key.export({ format: "jwk" });
    const published = { kty: "OKP", use: "sig", alg: "EdDSA", kid: "k1", crv: "Ed25519", x };
    assert.deepEqual(await response.json(), { keys: [published] });
    for (const path of ["openid-configuration", "oauth-authorization-server"])
      assert.equal((await ask(`/.well-known/${path}`)).status, 404);
  });

  test("is not sent again to who has it", async (t) => {
    const ask = await serve(t, publishAhead);
    const etag = (await ask("/.well-known/jwks.json")).headers.get("etag") ?? "";
    const again = await ask("/.well-known/jwks.json", { headers: { "if-none-match": etag } });
    assert.deepEqual(
      [again.status, await again.text(), again.headers.get("cache-control")],
      [304, "", "public, max-age=300"],
    );
    const other = await ask("/.well-known/jwks.json", { headers: { "if-none-match": '"x"' } });
    assert.equal(other.status, 200);
  });

  test("is read, and nothing else", async (t) => {
    const ask = await serve(t, publishAhead);
    const head = await ask("/.well-known/jwks.json", { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    for (const method of ["POST", "DELETE", "OPTIONS"]) {
      const { status, headers } = await ask("/.well-known/jwks.json", { method });
      assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"]);
    }
  });

  test("that cannot be told is not told as empty", async (t) => {
    const failing = () => {
      throw new Error("no keys");
    };
    const ask = await serve(t, publishAhead, { signing: { ring: failing, jwks: failing } });
    const { status, headers } = await ask("/.well-known/jwks.json");
    assert.deepEqual([status, headers.get("cache-control")], [503, "no-store"]);
  });
});

describe("the metadata", () => {
  test("of an issuer with a path is at each place where it is looked for", async (t) => {
    const endpoints = { introspection_endpoint: "/oauth/introspect" };
    const ask = await serve(t, { issuer: "https://id.example.com/auth/", ...publishAhead }, { endpoints });
    const found = await Promise.all(
      [
        "/.well-known/openid-configuration",
        "/auth/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/auth",
      ].map(async (path) => (await ask(path)).json()),
    );
    assert.deepEqual(found[0], {
      // As it stands in tokens, to the last character.
      issuer: "https://id.example.com/auth/",
      jwks_uri: "https://id.example.com/auth/.well-known/jwks.json",
      introspection_endpoint: "https://id.example.com/auth/oauth/introspect",
      response_types_supported: [],
      grant_types_supported: [],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["EdDSA"],
    });
    for (const other of found) assert.deepEqual(other, found[0]);
    assert.equal((await ask("/auth/.well-known/jwks.json")).status, 200);
  });

  for (const [issuer, status] of [
    ["https://id.example.com", 200],
    ["http://127.0.0.1:8000", 200],
    ["http://localhost:8000", 200],
    ["http://id.example.com", 404],
    ["https://id.example.com?a=b", 404],
    ["https://id.example.com#a", 404],
    ["countersign", 404],
    ["ftp://id.example.com", 404],
  ] as const) {
    test(`${issuer}: ${status}`, async (t) => {
      const ask = await serve(t, { issuer, ...publishAhead });
      assert.equal((await ask("/.well-known/openid-configuration")).status, status);
      assert.equal((await ask("/.well-known/jwks.json")).status, 200);
    });
  }
});
