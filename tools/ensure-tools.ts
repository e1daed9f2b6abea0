import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Sees to it that what `npm test` needs beside npm's packages is there. Run as `node tools/ensure-tools.js`, which
 * an old Node can read, too. As root on a machine with apt-get it installs what is missing; elsewhere it names it.
 */

/** Something that is not in npm: a row is all that a new tool takes. */
interface Tool {
  readonly name: string;
  readonly isThere: () => boolean;
  /** Debian's packages that bring it. */
  readonly packages: readonly string[];
}

/** Where Debian keeps the sources of Go's libraries. */
const goPath = "/usr/share/gocode";
/** Of `go`, which looks for libraries there and nowhere else. */
export const goEnvironment = { GO111MODULE: "off", GOFLAGS: "", CGO_ENABLED: "0", GOPATH: goPath };
const hasGo = (...sources: readonly string[]): boolean =>
  onPath("go") && sources.every((name) => existsSync(join(goPath, "src", name)));

const tools: readonly Tool[] = [
  {
    name: "a Python that can import grpc",
    isThere: () => pythonWithGrpc() !== undefined,
    packages: ["python3-grpcio", "python3-protobuf"],
  },
  { name: "protoc", isThere: () => onPath("protoc"), packages: ["protobuf-compiler"] },
  {
    name: "grpc_python_plugin",
    isThere: () => onPath("grpc_python_plugin"),
    packages: ["protobuf-compiler-grpc"],
  },
  {
    name: "PostgreSQL's postgres and initdb",
    isThere: () => postgresFolder() !== undefined,
    packages: ["postgresql"],
  },
  {
    name: "redis-server or valkey-server",
    isThere: () => redisProgram() !== undefined,
    packages: ["redis-server"],
  },
  {
    name: "Go with Sprig and a YAML library, which charts are rendered with",
    isThere: () => hasGo("github.com/Masterminds/sprig", "gopkg.in/yaml.v3"),
    packages: ["golang-go", "golang-github-masterminds-sprig-dev", "golang-gopkg-yaml.v3-dev"],
  },
  {
    name: "Go with gRPC, for which examples are type-checked",
    isThere: () => hasGo("google.golang.org/grpc", "google.golang.org/genproto/googleapis/rpc/errdetails"),
    packages: ["golang-go", "golang-google-grpc-dev", "golang-google-genproto-dev"],
  },
  {
    name: "nginx with auth_request, HTTP/2 and grpc_pass",
    isThere: () => nginxProgram() !== undefined,
    packages: ["nginx-light"],
  },
  { name: "caddy", isThere: () => caddyProgram() !== undefined, packages: ["caddy"] },
  { name: "haproxy", isThere: () => haproxyProgram() !== undefined, packages: ["haproxy"] },
  {
    name: "a Python that can import grpc and jwt",
    isThere: () => pythonWithGrpc() !== undefined && pythonHas("jwt", "cryptography"),
    packages: ["python3-jwt", "python3-cryptography"],
  },
  { name: "openssl", isThere: () => onPath("openssl"), packages: ["openssl"] },
  { name: "chromium", isThere: () => onPath("chromium"), packages: ["chromium"] },
  { name: "curl", isThere: () => onPath("curl"), packages: ["curl"] },
];

/** Debian's own interpreter first: Debian's packages belong to it, and it is often not the first on the PATH. */
const pythons = ["/usr/bin/python3", "python3"];

// Looking for the modules takes a tenth of the time that importing them does.
const findModules =
  "import sys; from importlib.util import find_spec as f; sys.exit(not (f('grpc') and f('google.protobuf')))";

/** The first Python that has grpc and protobuf. Undefined if there is none. */
export function pythonWithGrpc(): string | undefined {
  return pythons.find((python) => spawnSync(python, ["-c", findModules], { stdio: "ignore" }).status === 0);
}

/** The same one: Debian's packages all belong to it. */
function pythonHas(...modules: readonly string[]): boolean {
  const find = `from importlib.util import find_spec as f; raise SystemExit(not all(map(f, ${JSON.stringify(modules)})))`;
  return spawnSync(pythonWithGrpc() ?? "python3", ["-c", find], { stdio: "ignore" }).status === 0;
}

/** The folder of `postgres` and `initdb`: Debian keeps each version in one of its own, off the PATH. */
export function postgresFolder(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders.find((folder) => ["postgres", "initdb"].every((name) => isExecutable(join(folder, name))));
}

/** Either will do: the one speaks what the other does. */
export function redisProgram(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const programs = ["redis-server", "valkey-server"].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  return programs.find(isExecutable);
}

export function nginxProgram(): string | undefined {
  return servers("nginx").find((program) => {
    const { stderr } = spawnSync(program, ["-V"], { encoding: "utf8" });
    return ["http_auth_request_module", "http_v2_module"].every((name) => stderr.includes(name));
  });
}

export function caddyProgram(): string | undefined {
  return servers("caddy")[0];
}

export function haproxyProgram(): string | undefined {
  return servers("haproxy")[0];
}

/** Where a server may be: Debian keeps some where only administrators look. */
function servers(name: string): readonly string[] {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).filter(isExecutable);
}

function onPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function ensureTools(): number {
  if (!existsSync(new URL("../node_modules/.bin/node", import.meta.url))) {
    process.stderr.write(
      "node_modules/.bin/node is missing: npm blocked the install script of the package `node`. " +
        `Node ${process.versions.node} is used instead; \`npm rebuild node --foreground-scripts\` brings it.\n`,
    );
  }
  const missing = tools.filter((tool) => !tool.isThere());
  if (missing.length === 0) return 0;
  const names = missing.map(({ name }) => name).join(", ");
  const packages = [...new Set(missing.flatMap((tool) => tool.packages))];
  if (process.getuid?.() === 0 && onPath("apt-get")) {
    process.stderr.write(`Installing ${packages.join(" ")} (for ${names}) with apt-get ...\n`);
    install(packages);
    const still = missing.filter((tool) => !tool.isThere());
    if (still.length === 0) return 0;
    return fail(still.map(({ name }) => name).join(", "), packages);
  }
  return fail(names, packages);
}

function fail(names: string, packages: readonly string[]): number {
  const command = `sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  process.stderr.write(`The tests need what is not here: ${names}. On Debian or Ubuntu: ${command}\n`);
  return 1;
}

/** The lists of packages are fetched only if apt-get does not know the packages without. */
function install(packages: readonly string[]): void {
  const attempt = (): boolean => aptGet("install", "-y", "--no-install-recommends", ...packages);
  const allowServices = denyServices();
  try {
    if (attempt()) return;
    if (aptGet("update")) attempt();
  } finally {
    allowServices();
  }
}

/** The tests start servers of their own: a package that is installed for them starts none. Returns the way back. */
function denyServices(): () => void {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return () => {};
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}

/** Its output goes to stderr: what a command answers belongs to stdout. */
function aptGet(...args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    execFileSync("apt-get", ["-qq", ...args], { env, stdio: ["ignore", 2, 2] });
    return true;
  } catch {
    return false;
  }
}

// Loaded by ensure-tools.js or run by itself; not when a test borrows pythonWithGrpc().
const entry = process.argv[1] ?? "";
if (
  entry === fileURLToPath(import.meta.url) ||
  entry === fileURLToPath(new URL("ensure-tools.js", import.meta.url))
) {
  process.exitCode = ensureTools();
}
