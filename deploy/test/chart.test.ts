import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { parse, parseAllDocuments } from "yaml";
import { loadConfig } from "../../packages/server/src/config/config.ts";
import { configProblems } from "../../packages/server/src/config/production-checks.ts";
import { goEnvironment } from "../../tools/ensure-tools.ts";

const chart = fileURLToPath(new URL("../helm/countersign/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "countersign-chart-"));
after(() => rmSync(folder, { recursive: true }));

const values = parse(readFileSync(join(chart, "values.yaml"), "utf8")) as Values;
const about = parse(readFileSync(join(chart, "Chart.yaml"), "utf8")) as Record<string, string>;
const conforms = new Ajv({ strict: false }).compile(
  JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as object,
);

interface Values extends Record<string, unknown> {
  readonly secrets: Record<string, unknown>;
}

/** A resource of Kubernetes', which is looked into and not modelled. */
type Resource = Readonly<Record<string, unknown>>;

/** A member by the names on the way to it; numbers for elements. */
function at(value: unknown, path: string): unknown {
  return path.split("/").reduce((inner, name) => Object(inner)[name] as unknown, value);
}

function list(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value));
  return value;
}

const renderer = join(folder, "render");
{
  const env = { ...process.env, ...goEnvironment };
  const source = fileURLToPath(new URL("render.go", import.meta.url));
  const built = spawnSync("go", ["build", "-o", renderer, source], { env, encoding: "utf8" });
  assert.equal(
    built.status,
    0,
    `node tools/ensure-tools.js installs Go: ${built.error?.message ?? built.stderr}`,
  );
}

/** What `helm template` would put out, without the notes. */
function render(given: object = {}): ReadonlyMap<string, Resource> {
  const merged = merge(values, given) as Readonly<Record<string, unknown>>;
  assert.ok(conforms(merged), JSON.stringify(conforms.errors));
  const names = readdirSync(join(chart, "templates"));
  const files = Object.fromEntries(
    names.map((name) => [
      `countersign/templates/${name}`,
      readFileSync(join(chart, "templates", name), "utf8"),
    ]),
  );
  const context = {
    Values: merged,
    Chart: { Name: about["name"], Version: about["version"], AppVersion: about["appVersion"] },
    Release: { Name: "test", Namespace: "auth", Service: "Helm", Revision: 1 },
  };
  const ran = spawnSync(renderer, { input: JSON.stringify({ files, context }), encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stderr);
  const texts = Object.entries(JSON.parse(ran.stdout) as Record<string, string>);
  const resources = new Map<string, Resource>();
  for (const [name, text] of texts.filter(([path]) => !path.endsWith(".txt"))) {
    for (const document of parseAllDocuments(text, { uniqueKeys: true, strict: true })) {
      assert.deepEqual(document.errors, [], `${name}: ${text}`);
      const resource = document.toJS() as Resource | null;
      if (resource !== null) resources.set(String(resource["kind"]), resource);
    }
  }
  return resources;
}

/** As Helm does: objects member by member, and all else as a whole. */
function merge(one: unknown, other: unknown): unknown {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(one) || !isObject(other)) return other === undefined ? one : other;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...names].map((name) => [name, merge(one[name], other[name])]));
}

function needed(resources: ReadonlyMap<string, Resource>, kind: string): Resource {
  const resource = resources.get(kind);
  assert.ok(resource, kind);
  return resource;
}

/** The configuration that the pods get, read as the program reads it, with secrets of a test. */
function configOf(resources: ReadonlyMap<string, Resource>) {
  const text = String(at(needed(resources, "ConfigMap"), "data/countersign.yaml"));
  const here = text.replaceAll("/run/countersign/", `${folder}/run-`);
  const path = join(folder, "countersign.yaml");
  writeFileSync(path, here.replaceAll("run-secrets/", "secret-").replaceAll("run-tls/", "tls-"));
  for (const [index, name] of ["master-key", "api-key-pepper", "previous", "old-pepper"].entries())
    writeFileSync(join(folder, `secret-${name}`), `vT7q2LkX0cR9sNfB4wYhJ8mZpD3uGeA${index}`);
  writeFileSync(join(folder, "secret-database-url"), "postgres://a:b@db.example/app?sslmode=verify-full");
  return loadConfig({ file: path, env: {} });
}

describe("the chart", () => {
  it("renders what a cluster with restricted pods takes, and nothing twice", () => {
    const resources = render();
    assert.deepEqual([...resources.keys()].sort(), [
      "ConfigMap",
      "Deployment",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Service",
      "ServiceAccount",
    ]);
    const pod = at(needed(resources, "Deployment"), "spec/template/spec");
    assert.equal(list(at(pod, "containers")).length, 1);
    const container = at(pod, "containers/0");
    // Pod Security Standards, "restricted".
    assert.equal(at(pod, "securityContext/runAsNonRoot"), true);
    assert.deepEqual(at(pod, "securityContext/seccompProfile"), { type: "RuntimeDefault" });
    assert.deepEqual(at(container, "securityContext"), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.equal(at(pod, "automountServiceAccountToken"), false);
    // The variables that Kubernetes sets for a service named countersign are none of the program's.
    assert.equal(at(pod, "enableServiceLinks"), false);
    assert.equal(at(container, "image"), `countersign:${about["appVersion"]}`);
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"])
      assert.equal(at(container, `${probe}/httpGet/scheme`), "HTTPS");
    const [grace, sleep] = [
      at(pod, "terminationGracePeriodSeconds"),
      at(container, "lifecycle/preStop/sleep/seconds"),
    ];
    assert.ok(Number(grace) > Number(sleep) + 10);
  });

  it("has selectors that find its pods, and volumes for all that is mounted", () => {
    const resources = render({ podLabels: { team: "auth" } });
    const pod = at(needed(resources, "Deployment"), "spec/template");
    const labels = at(pod, "metadata/labels");
    const selectors = [
      at(needed(resources, "Deployment"), "spec/selector/matchLabels"),
      at(needed(resources, "Service"), "spec/selector"),
      at(needed(resources, "PodDisruptionBudget"), "spec/selector/matchLabels"),
      at(needed(resources, "NetworkPolicy"), "spec/podSelector/matchLabels"),
    ];
    for (const selector of selectors) {
      const wanted = Object.entries(Object(selector) as Record<string, string>);
      assert.equal(wanted.length, 2);
      for (const [name, value] of wanted) assert.equal(Object(labels)[name], value);
    }
    assert.equal(at(labels, "team"), "auth");
    const namesOf = (path: string) => list(at(pod, path)).map((one) => at(one, "name"));
    const ports = namesOf("spec/containers/0/ports");
    for (const port of list(at(needed(resources, "Service"), "spec/ports")))
      assert.ok(ports.includes(at(port, "targetPort")));
    const volumes = namesOf("spec/volumes");
    for (const name of namesOf("spec/containers/0/volumeMounts")) assert.ok(volumes.includes(name));
    const account = at(needed(resources, "ServiceAccount"), "metadata/name");
    assert.equal(at(pod, "spec/serviceAccountName"), account);
  });

  it("configures the program so that it starts in production", () => {
    const plain = configOf(render());
    assert.deepEqual(configProblems(plain), []);
    assert.deepEqual(plain.grpc.listen, { host: "0.0.0.0", port: 50051 });
    assert.ok(plain.secrets.databaseUrl?.startsWith("postgres://"));
    const rich = configOf(
      render({
        config: {
          auth: { jwt: { access_lifetime: "5m" }, api_keys: { prefix: "acme" } },
          grpc: { listen: "127.0.0.1:1" },
        },
        tls: { secretName: "t", httpBehindProxy: true },
        secrets: {
          ...values.secrets,
          pepperId: "p2",
          previousMasterKeyKeys: ["previous"],
          previousPeppers: [{ id: "p1", key: "old-pepper" }],
        },
      }),
    );
    assert.deepEqual(configProblems(rich), []);
    assert.equal(rich.auth.jwt.access_lifetime, 300);
    assert.equal(rich.auth.api_keys.prefix, "acme");
    assert.equal(rich.grpc.listen.port, 50051, "what the chart sets wins");
    assert.equal(rich.http.behind_tls_proxy, true);
    assert.deepEqual(
      [
        rich.auth.api_keys.pepper_id,
        rich.secrets.previousPeppers.length,
        rich.secrets.previousMasterKeys.length,
      ],
      ["p2", 1, 1],
    );
  });

  it("changes with its values", () => {
    const many = render({
      autoscaling: { enabled: true, minReplicas: 3, maxReplicas: 9, targetCPUUtilizationPercentage: 60 },
      networkPolicy: { enabled: false },
      podDisruptionBudget: { enabled: false },
      serviceAccount: { create: false, name: "mine", annotations: {} },
      image: {
        repository: "r/countersign",
        tag: "1",
        digest: `sha256:${"0".repeat(64)}`,
        pullSecrets: [{ name: "s" }],
      },
      podAnnotations: { note: "a: b" },
      tolerations: [{ key: "k", operator: "Exists" }],
      nodeSelector: { disk: "ssd" },
      preStopSleepSeconds: 0,
    });
    assert.deepEqual([...many.keys()].sort(), [
      "ConfigMap",
      "Deployment",
      "HorizontalPodAutoscaler",
      "Service",
    ]);
    const deployment = needed(many, "Deployment");
    const pod = at(deployment, "spec/template");
    assert.equal(at(deployment, "spec/replicas"), undefined);
    assert.equal(at(pod, "spec/serviceAccountName"), "mine");
    assert.equal(at(pod, "spec/containers/0/image"), `r/countersign@sha256:${"0".repeat(64)}`);
    assert.equal(at(pod, "spec/containers/0/lifecycle"), undefined);
    assert.equal(at(pod, "metadata/annotations/note"), "a: b");
    assert.deepEqual(at(pod, "spec/nodeSelector"), { disk: "ssd" });
    const sum = (resources: ReadonlyMap<string, Resource>) =>
      Object(at(needed(resources, "Deployment"), "spec/template/metadata/annotations"))[
        "checksum/config"
      ] as unknown;
    assert.notEqual(sum(render()), sum(render({ config: { log: { level: "warn" } } })));
    assert.equal(sum(render()), sum(render({ replicaCount: 5 })));
  });

  it("refuses values that it does not know", () => {
    for (const wrong of [
      { replicas: 3 },
      { tls: { secretName: "" } },
      { image: { repository: "" } },
      { secrets: { masterKey: "secret" } },
    ])
      assert.equal(conforms({ ...values, ...wrong }), false, JSON.stringify(wrong));
  });
});
