import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseDocument } from "yaml";
import { configSchema } from "../../packages/server/src/config/schema.ts";

// Samples for proxies: their shape, and that they leave nothing open. nginx's and Caddy's are run as well, by conformance/nginx.test.ts
// and caddy.test.ts; Envoy's and Traefik's cannot be run here.

const text = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

type Yaml = { readonly [name: string]: Yaml } & readonly Yaml[] & string;

function yaml(name: string): Yaml {
  const document = parseDocument(text(name), { uniqueKeys: true, strict: true });
  assert.deepEqual(document.errors, []);
  return document.toJS() as Yaml;
}

const identity = "x-countersign-identity";
const credentials = ["authorization", "x-api-key"];
/** What Envoy takes away by our answer, the others by their configuration. */
const names = configSchema.parse({}).proxies.remove_headers;
/** nginx drops every name with an underscore by itself, and Caddy is told to. */
const dashed = names.filter((name) => !name.includes("_"));

describe("deploy/envoy/envoy.yaml", () => {
  const { static_resources: resources } = yaml("envoy/envoy.yaml");
  const [chain] = resources?.["listeners"]?.[0]?.["filter_chains"] ?? [];
  const manager = chain?.["filters"]?.[0]?.["typed_config"];
  const filters = [...(manager?.["http_filters"] ?? [])];

  it("asks before it routes, and lets nobody through without an answer", () => {
    assert.deepEqual(
      filters.map(({ name }) => name),
      ["envoy.filters.http.ext_authz", "envoy.filters.http.router"],
    );
    const authz = filters[0]?.["typed_config"];
    assert.equal(authz?.["transport_api_version"], "V3");
    assert.deepEqual(
      [authz?.["failure_mode_allow"], authz?.["status_on_error"]],
      [false, { code: "ServiceUnavailable" }],
    );
    // With `allowed_headers`, a credential that is not sent is no credential.
    assert.equal(authz?.["allowed_headers"], undefined);
  });

  it("reads each path in one way", () => {
    const names = ["normalize_path", "merge_slashes", "path_with_escaped_slashes_action"];
    assert.deepEqual(
      names.map((name) => manager?.[name]),
      [true, true, "REJECT_REQUEST"],
    );
  });

  it("names clusters that are there, speaks HTTP/2 to them, and TLS to Countersign", () => {
    const clusters = new Map(
      [...(resources?.["clusters"] ?? [])].map((cluster) => [cluster["name"], cluster]),
    );
    const asked = filters[0]?.["typed_config"]?.["grpc_service"]?.["envoy_grpc"]?.["cluster_name"];
    const [host] = manager?.["route_config"]?.["virtual_hosts"] ?? [];
    const routed = host?.["routes"]?.[0]?.["route"]?.["cluster"];
    for (const name of [asked, routed]) assert.ok(clusters.has(name), name);
    for (const cluster of clusters.values()) {
      assert.match(JSON.stringify(cluster["typed_extension_protocol_options"]), /http2_protocol_options/);
      assert.equal(cluster["load_assignment"]?.["cluster_name"], cluster["name"]);
    }
    assert.match(JSON.stringify(clusters.get(asked)?.["transport_socket"]), /trusted_ca.*exact/s);
  });
});

describe("deploy/traefik/dynamic.yaml", () => {
  const { http } = yaml("traefik/dynamic.yaml");

  it("asks first, hands on the identity alone, and believes no client about itself", () => {
    const router = http?.["routers"]?.["orders"];
    assert.deepEqual(router?.["middlewares"], ["no-proxy-key", "countersign", "without-credentials"]);
    const asks = http?.["middlewares"]?.["countersign"]?.["forwardAuth"];
    assert.equal(new URL(asks?.["address"] ?? "").pathname, "/forward-auth");
    assert.deepEqual([asks?.["trustForwardHeader"], asks?.["authResponseHeaders"]], [false, [identity]]);
    const removed =
      http?.["middlewares"]?.["without-credentials"]?.["headers"]?.["customRequestHeaders"] ?? {};
    assert.deepEqual(removed, Object.fromEntries([...credentials, ...names].map((name) => [name, ""])));
  });
});

describe("deploy/caddy/Caddyfile", () => {
  const lines = text("caddy/Caddyfile")
    .split("\n")
    .map((line) => line.trim());

  it("removes, asks, removes credentials and forwards, in this order", () => {
    const at = (line: string): number => {
      assert.ok(lines.includes(line), line);
      return lines.indexOf(line);
    };
    const asked = at("reverse_proxy 127.0.0.1:8000 {");
    for (const name of [identity, "*_*", ...dashed]) assert.ok(at(`request_header -${name}`) < asked, name);
    for (const name of credentials) assert.ok(at(`request_header -${name}`) > asked, name);
    assert.ok(at("rewrite /forward-auth?") > asked);
    // Each site's first.
    for (const [index, line] of lines.entries())
      if (line === "route {") assert.equal(lines[index + 1], "import countersign");
  });
});

describe("deploy/nginx/countersign.conf", () => {
  it("takes credentials and spoofed names away on both sides, and replaces the identity", () => {
    const sample = text("nginx/countersign.conf");
    for (const side of ["grpc_set_header", "proxy_set_header"]) {
      for (const name of [...credentials, ...dashed]) assert.ok(sample.includes(`${side} ${name} "";`), name);
      assert.ok(sample.includes(`${side} ${identity} $cs_identity;`));
    }
  });
});
