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

module.exports = {
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|node_modules)/" },
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
    layer(
      "authenticator",
      "core",
      "jwt",
      "keys",
      "oidc",
      "store/(session-)?contracts[.]ts",
      "store/api-key-status[.]ts",
    ),
    layer("grpc", "core", "context", "gen/google"),
    layer("otel", "core", "context"),
    layer("store", "core"),
    layer("session"),
    layer("signing", "core", "jwt", "session/seal[.]ts", "store/(session-)?contracts[.]ts"),
    layer("policy", "core", "gen/auth/v1/policy_pb"),
    layer("http", "core", "context"),
    // Connect is served by Node's HTTP: a request, its connection and its body are the same there.
    layer("connect", "core", "context", "http/(http-call|discard)[.]ts"),
    layer(
      "service",
      "core",
      "context",
      "jwt",
      "keys",
      "session",
      "signing",
      "policy",
      "gen",
      "store/((session|role|audit)-)?contracts[.]ts",
      "store/api-key-status[.]ts",
      "store/fold-case[.]ts",
    ),
    layer("gen"),
    {
      name: "drivers-and-frameworks-stay-in-their-folders",
      severity: "error",
      from: {
        path: `${library}/(core|jwt|keys|oidc|context|authenticator|signing|service|store/[^/]+[.]ts)`,
        pathNot: tests,
      },
      to: { path: "node_modules/(@grpc|@connectrpc|kysely|pg|ioredis|fastify|express|hono)" },
    },
    foreign("grpc", "@connectrpc"),
    foreign("http", "@grpc|@connectrpc"),
    foreign("connect", "@grpc"),
    foreign("otel", "@grpc|@connectrpc"),
    {
      name: "traces-are-made-by-otel-alone",
      severity: "error",
      from: { path: library, pathNot: [`${library}/otel/`, tests] },
      to: { path: "node_modules/@opentelemetry" },
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
        pathNot: `${library}/(store/(memory|sqlite|postgres)|http/(json|form)|policy/cel/conditions)[.]ts$`,
      },
    },
  ],
};
