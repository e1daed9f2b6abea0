// Who may import whom. ARCHITECTURE.md says why; `npm run check:imports` runs it.
const library = "^packages/countersign/src";
const tests = "[.](test|test-d|suite)[.]ts$";

/** A folder of the library, and the folders that it may use besides itself and what Node brings. */
const layer = (name, ...uses) => ({
  name: `${name}-uses-nothing-but-its-layers`,
  severity: "error",
  from: { path: `${library}/${name}/`, pathNot: tests },
  to: { path: library, pathNot: [name, ...uses].map((use) => `${library}/${use}`) },
});

/** A folder of the library, and the frameworks of others. */
const foreign = (name, frameworks) => ({
  name: `${name}-knows-no-framework-of-others`,
  severity: "error",
  from: { path: `${library}/${name}/`, pathNot: tests },
  to: { path: `node_modules/(${frameworks})` },
});

/** A framework, and who may know it. */
const onlyFor = (framework, ...files) => ({
  name: `${framework}-is-known-to-its-own-door`,
  severity: "error",
  from: { path: library, pathNot: [...files.map((file) => `${library}/${file}`), tests] },
  to: { path: `node_modules/(@types/)?${framework}/` },
});

module.exports = {
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^packages/[^/]+/dist/" },
    enhancedResolveOptions: {
      conditionNames: ["countersign-source", "import", "node", "default"],
      exportsFields: ["exports"],
    },
  },
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "core-is-pure",
      severity: "error",
      from: { path: `${library}/core/`, pathNot: tests },
      to: { pathNot: `${library}/core/` },
    },
    layer("core"),
    layer("jwt", "core"),
    layer("keys", "core"),
    layer("context", "core", "gen/google"),
    layer("oidc", "core", "jwt"),
    // Where a call comes from is an address, as it is for keys that are limited to some.
    layer("limits", "core", "keys/ip-address[.]ts"),
    layer(
      "authenticator",
      "core",
      "jwt",
      "keys",
      "oidc",
      "limits/network[.]ts",
      "store/((session|secret|api-key|key-import)-)?contracts[.]ts",
      "store/api-key-status[.]ts",
    ),
    // What the server sends is read by the same tables that write it.
    layer(
      "remote",
      "core",
      "jwt",
      "keys",
      "oidc",
      "authenticator",
      "gen",
      "grpc/client/(ask|server-address)[.]ts",
      "client/loopback[.]ts",
      "service/(account|revocation)-message[.]ts",
      "store/(contracts|usage)[.]ts",
    ),
    layer("client"),
    layer("grpc", "core", "context", "client", "gen"),
    layer("otel", "core", "context"),
    // Where a key was used from is told by its network.
    layer(
      "store",
      "core",
      "keys/ip-address[.]ts",
      "limits/(limit-store|limit-id|call-window|memory-limits)[.]ts",
    ),
    layer("session"),
    layer("signing", "core", "jwt", "session/seal[.]ts", "store/(session-)?contracts[.]ts"),
    layer("policy", "core", "gen/auth/v1/policy_pb"),
    layer("http", "core", "context"),
    layer(
      "nestjs",
      "core",
      "context",
      "http/(http-call|http-door|follow-response|cors|json-error|node-answer|node-first|until-closed)[.]ts",
    ),
    // Connect is served by Node's HTTP: a request, its connection and its body are the same there.
    layer(
      "connect",
      "core",
      "context",
      "client",
      "gen",
      "http/(cors|http-call|discard|json-error|node-answer|node-cors|node-target)[.]ts",
    ),
    {
      name: "the-guard-for-connect-brings-no-listener",
      severity: "error",
      from: { path: `${library}/connect/[^/]+[.]ts$`, pathNot: [`${library}/connect/node[.]ts$`, tests] },
      to: {
        path: [
          `${library}/connect/node/`,
          `${library}/http/(cors|json-error|node-answer|node-cors|node-target)[.]ts$`,
        ],
      },
    },
    layer(
      "service",
      "core",
      "context",
      "jwt",
      "keys",
      "session",
      "signing",
      "policy",
      "limits",
      "gen",
      "store/((session|role|secret|request|tenant|api-key|key-import|audit)-)?contracts[.]ts",
      "store/request-log/matches[.]ts",
      "store/key-hygiene[.]ts",
      "store/api-key-status[.]ts",
      "store/fold-case[.]ts",
      "authenticator/key-lookup[.]ts",
    ),
    layer("gen"),
    {
      name: "nothing-of-ours-needs-the-test-kit",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: [tests, `${library}/testing(/|[.]ts$)`] },
      to: { path: `${library}/testing(/|[.]ts$)` },
    },
    {
      name: "the-test-kit-brings-no-transport-but-where-it-says-so",
      severity: "error",
      from: { path: `${library}/testing(/|[.]ts$)`, pathNot: `${library}/testing/(grpc|connect)[.]ts$` },
      to: { path: ["node_modules/(@grpc|@connectrpc)", `${library}/(grpc|connect)/`] },
    },
    {
      name: "drivers-and-frameworks-stay-in-their-folders",
      severity: "error",
      from: {
        path: `${library}/(core|jwt|keys|oidc|limits|context|authenticator|signing|service|store/[^/]+[.]ts)`,
        pathNot: tests,
      },
      to: { path: "node_modules/(@grpc|@connectrpc|kysely|pg|ioredis|fastify|express|hono)" },
    },
    foreign("grpc", "@connectrpc"),
    foreign("remote", "@connectrpc"),
    foreign("http", "@grpc|@connectrpc|@nestjs"),
    foreign("nestjs", "@grpc|@connectrpc|fastify|hono"),
    onlyFor("express", "http/express[^/]*[.]ts$", "nestjs/"),
    onlyFor("fastify", "http/fastify[^/]*[.]ts$"),
    onlyFor("hono", "http/hono[^/]*[.]ts$"),
    {
      name: "fetch-and-hono-need-nothing-of-node",
      comment: "but AsyncLocalStorage; web-only.test.ts proves it by running them",
      severity: "error",
      from: {
        path: `${library}/http/(fetch|hono|cors|route-table|http-door|json-error)[^/]*[.]ts$`,
        pathNot: tests,
      },
      to: { dependencyTypes: ["core"], pathNot: "async_hooks$" },
    },
    foreign("connect", "@grpc"),
    foreign("otel", "@grpc|@connectrpc"),
    {
      name: "traces-are-made-by-otel-alone",
      severity: "error",
      from: { path: library, pathNot: [`${library}/otel/`, tests] },
      to: { path: "node_modules/@opentelemetry" },
    },
    foreign("client", "@grpc|@connectrpc"),
    {
      name: "clients-for-browsers-need-nothing-of-node",
      comment: "and nothing of a server; connect/client/web-only.test.ts proves it by running them",
      severity: "error",
      from: { path: `${library}/(client|connect/client)(/|[.]ts$)`, pathNot: tests },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "clients-for-browsers-know-no-transport-of-node",
      severity: "error",
      from: { path: `${library}/(client|connect/client)(/|[.]ts$)`, pathNot: tests },
      to: { path: "node_modules/@connectrpc/connect-node/" },
    },
    {
      name: "clients-know-nothing-of-servers",
      severity: "error",
      from: { path: `${library}/(grpc|connect)/client(/|[.]ts$)`, pathNot: tests },
      to: { path: `${library}/`, pathNot: `${library}/(client|(grpc|connect)/client|gen)/` },
    },
    foreign("store", "@grpc|@connectrpc"),
    {
      name: "conditions-are-only-loaded-by-who-uses-them",
      severity: "error",
      from: { path: library, pathNot: [`${library}/policy/cel/`, tests] },
      to: { path: ["node_modules/@bufbuild/(cel|re2)", `${library}/policy/cel/`] },
    },
    {
      name: "public-subpaths-only",
      comment: "the program, its conformance tests and the benchmark use the library as its users do",
      severity: "error",
      from: { path: "^(packages/server|conformance|bench|examples)" },
      to: {
        path: `${library}/.+/`,
        pathNot: `${library}/(store/(backup|memory|sqlite|postgres|redis)|http/(json|form|fetch|node|express|hono|fastify)|(grpc|connect)/client|connect/node|testing/(grpc|connect)|policy/cel/conditions)[.]ts$`,
      },
    },
  ],
};
