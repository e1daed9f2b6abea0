// The packages as somebody gets them: packed, installed into an empty project, and used, under each Node that is supported.
// `npm run check:install` after a build. It needs the npm registry.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pack } from "./pack.mjs";
import { packages, root, stage } from "./stage.mjs";

/** Beside the Node that this runs under. */
const otherNodes = ["22.23.3", "26.9.0"];
const startMs = 60_000;

const folder = mkdtempSync(join(tmpdir(), "countersign-install-"));
try {
  const project = makeProject();
  types(project);
  for (const node of [process.execPath, ...otherNodes.map(nodeOf)]) await tryUnder(node, project);
  process.stdout.write("the packages install, and work as the README says\n");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** An empty project with both packages, and the README's server. */
function makeProject() {
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const files = packages.map((each) => pack(stage(each)));
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const others = ["typescript", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
  npm(project, "install", "--ignore-scripts", "--no-audit", "--no-fund", ...files, ...others);
  for (const file of ["server.ts", "server.test.ts", "quick-start.ts", "quick-start.test.ts", "gen"])
    cpSync(join(root, "examples", file), join(project, file), { recursive: true });
  return project;
}

/** What is published has types that a strict project takes. */
function types(project) {
  const compilerOptions = {
    ...{ module: "nodenext", target: "es2024", strict: true, noEmit: true, types: ["node"] },
    ...{
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      allowImportingTsExtensions: true,
      skipLibCheck: false,
    },
  };
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["server.test.ts", "quick-start.test.ts"] }),
  );
  run(process.execPath, [join(project, "node_modules/typescript/bin/tsc"), "-p", "."], project);
  process.stdout.write("types: as they should be\n");
}

function nodeOf(version) {
  const at = join(folder, `node-${version}`);
  mkdirSync(at);
  writeFileSync(join(at, "package.json"), "{}");
  const name = `node-${process.platform}-${process.arch}`;
  npm(at, "install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`);
  return join(at, "node_modules", name, "bin", "node");
}

async function tryUnder(node, project) {
  const version = run(node, ["--version"], project).trim();
  run(node, ["--no-warnings", "--test", "server.test.ts", "quick-start.test.ts"], project);
  const program = join(project, "node_modules/@countersign/server/bin/countersign.js");
  run(node, [program, "--help"], project);
  await tryServer(node, program, version);
  process.stdout.write(`Node ${version}: the README's server, and \`countersign dev\`\n`);
}

/** Starts the program on free ports, logs in, and ends it. */
async function tryServer(node, program, version) {
  const listen = { COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0", COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0" };
  const env = { ...environment(node), ...listen, COUNTERSIGN_DATA: join(folder, `data-${version}`) };
  const server = spawn(node, [program, "dev", "--json"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  server.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const ended = new Promise((resolve) => server.once("close", resolve));
  const late = setTimeout(() => server.kill("SIGKILL"), startMs);
  try {
    const line = await Promise.race([
      new Promise((resolve) => createInterface(server.stdout).once("line", resolve)),
      ended.then((code) =>
        Promise.reject(new Error(`countersign dev under ${version} ended with ${code}: ${said}`)),
      ),
    ]);
    const { http, users } = JSON.parse(line);
    const { username, password } = users[0];
    const page = await fetch(`http://${http}/admin/`);
    if (!page.ok) throw new Error(`/admin/ answers ${page.status}`);
    const login = await fetch(`http://${http}/auth.v1.AuthService/Login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username, password }),
    });
    if (!login.ok) throw new Error(`a login answers ${login.status}: ${await login.text()}`);
    server.kill("SIGTERM");
    if ((await ended) !== 0) throw new Error(`countersign dev under ${version} did not end well: ${said}`);
  } finally {
    clearTimeout(late);
    server.kill("SIGKILL");
  }
}

function npm(cwd, ...words) {
  run("npm", words, cwd);
}

function run(command, words, cwd) {
  try {
    return execFileSync(command, words, {
      cwd,
      env: environment(command),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    throw new Error(`${command} ${words.join(" ")}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
  }
}

/** Programs that a project starts find the Node that is tried, and nothing of this repository. */
function environment(node) {
  const { NODE_OPTIONS: _options, NODE_COMPILE_CACHE: _cache, ...rest } = process.env;
  const kept = Object.entries(rest).filter(([name]) => !/^(COUNTERSIGN_|npm_(package|lifecycle))/.test(name));
  const path = node.includes("/") ? `${dirname(node)}:${process.env.PATH}` : process.env.PATH;
  return { ...Object.fromEntries(kept), PATH: path };
}
