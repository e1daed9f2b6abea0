import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { loadConfig } from "../config/config.ts";
import { configMembers } from "../config/reference.ts";
import { describeConfig } from "./describe-config.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-describe-"));
after(() => rmSync(folder, { recursive: true }));

/** A file with something in every member; all that must not be seen is this. */
const secret = "seven-rivers-meet-at-dawn-and-nobody-knows";
const complete = `
environment: production
data: ./data
database: { url: { env: HIDDEN } }
master_key: { env: HIDDEN }
previous_master_keys: [{ env: HIDDEN }]
grpc:
  listen: "[::1]:50051"
  tls: &tls { certificate_file: a.pem, key_file: b.pem, client_ca_file: c.pem }
  reflection: true
http:
  tls: *tls
  public_url: https://auth.example.com
services: [auth.v1.AuthService]
auth:
  mode: required
  public_methods: [/a.B/C]
  jwt:
    algorithm: HS256
    secret: { env: HIDDEN }
    private_key: { env: HIDDEN }
    kid: one
    issuer: https://auth.example.com
    audience: example
    access_lifetime: 90s
  api_keys:
    pepper: { env: HIDDEN }
    previous_peppers: [{ id: p0, pepper: { env: HIDDEN } }]
    static: [{ name: ci, key: { env: HIDDEN }, permissions: ["orders:read"] }]
  issuers:
    - name: google
      kind: id-token
      issuer: https://accounts.google.com
      also_known_as: [accounts.google.com]
      client_id: ours
      authorized_parties: [ours]
      algorithms: [RS256]
      jwks_uri: https://accounts.google.com/keys
      tenant: acme
    - { name: other, kind: access-token, issuer: "https://other.example", audience: us, type: JWT }
    - name: opaque
      kind: introspection
      issuer: https://opaque.example
      client_id: ours
      client_secret: { env: HIDDEN }
      audience: us
      introspection_endpoint: https://opaque.example/introspect
      cache: 2m
    - { name: header, kind: introspection, issuer: "https://h.example", audience: us, authorization: { env: HIDDEN } }
  client_certificates:
    - { spiffe: "spiffe://a/b", user: alice }
    - { spiffe_under: "spiffe://a", user_id: "7" }
    - { dns: a.example, name: a }
    - { subject: "CN=a", name: b }
    - { common_name: a, name: c }
  development_key: { env: HIDDEN }
policy: { file: policy.yaml, descriptors: a.binpb, permissions: ["orders:read"], shadow: shadow.yaml }
request_log: { retention: 7d, max_size: 500MB }
redis: { url: { env: HIDDEN } }
limits: { requests: { per: key, limit: 100, window: 1m, methods: [/a.B/C] } }
admin: { enabled: true }
proxies: { client_ca_file: d.pem, upstreams: { orders: { methods: ["/acme.Orders/*"] } } }
metrics: { listen: "127.0.0.1:9464", token: { env: HIDDEN } }
log: { level: debug }
`;

function described(text: string): Record<string, unknown> {
  const file = join(folder, "countersign.yaml");
  writeFileSync(file, text);
  return { ...describeConfig(loadConfig({ file, env: { HIDDEN: secret } })) };
}

/** Everything at this path; of lists the elements of all. */
function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  const [head, ...rest] = path;
  if (head === undefined) return value === undefined ? [] : [value];
  if (typeof value !== "object" || value === null) return [];
  if (head === "NAME") return Object.values(value).flatMap((one) => valuesAt(one, rest));
  const name = head.replace("[]", "");
  const member = (value as Record<string, unknown>)[name];
  return name === head
    ? valuesAt(member, rest)
    : ((member ?? []) as unknown[]).flatMap((one) => valuesAt(one, rest));
}

describe("the configuration in force", () => {
  const told = described(complete);

  for (const { path } of configMembers())
    test(`tells of ${path}`, () => assert.notEqual(valuesAt(told, path.split(".")).length, 0));

  test("in the order of its file, as it is written there, without its secrets", () => {
    const groups = [...new Set(configMembers().map(({ path }) => path.split(/[.[]/)[0]))];
    assert.deepEqual(Object.keys(told), ["source", ...groups]);
    for (const [path, value] of [
      ["grpc.listen", "[::1]:50051"],
      ["auth.jwt.access_lifetime", "90s"],
      ["auth.jwt.secret", "set"],
      ["auth.issuers[].cache", ["30s", "30s", "2m", "30s"]],
      ["auth.issuers[].client_secret", "set"],
      ["auth.api_keys.static[].key", "set"],
      ["request_log.max_size", "500MB"],
      ["limits.NAME.window", "1m"],
      ["admin.idle_timeout", "30m"],
      ["previous_master_keys", ["set"]],
    ] as const)
      assert.deepEqual(valuesAt(told, path.split(".")).flat(), [value].flat(), path);
    assert.ok(!JSON.stringify(told).includes(secret));
  });

  test("says what counts where nothing was said", () => {
    const bare = described("environment: production");
    const at = (path: string): unknown => valuesAt(bare, path.split("."))[0];
    assert.deepEqual(
      ["log.level", "admin.enabled", "redis.url", "auth.api_keys.pepper", "http.tls", "auth.jwt.secret"].map(
        at,
      ),
      ["info", true, "not set", "missing", undefined, undefined],
    );
  });
});
