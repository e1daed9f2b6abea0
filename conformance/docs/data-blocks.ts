import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { policyFromData, readRule } from "countersign/policy";
import { parse } from "yaml";
import { configSchema } from "../../packages/server/src/config/schema.ts";
import { readCsv } from "../../packages/server/src/keys/csv.ts";
import { readCases } from "../../packages/server/src/policy/policy-cases.ts";
import { goEnvironment } from "../../tools/ensure-tools.ts";
import { scratchFolder } from "../scratch.ts";
import { problemOf } from "./command-line.ts";
import { type Block, root } from "./pages.ts";
import { commandsOf } from "./shell.ts";

/** Throws, or returns what is wrong with a block. */
export type BlockCheck = (block: Block) => readonly string[];

/** What YAML may be, by `kind=`. Without one it is our configuration. */
const yamlKinds: Readonly<Record<string, (data: unknown) => readonly string[]>> = {
  config(data) {
    const parsed = configSchema.safeParse(data);
    return parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  },
  policy(data) {
    const { rules = {}, ...rest } = data as { readonly rules?: Readonly<Record<string, unknown>> };
    // Which RPCs a service has is known from descriptors alone.
    const [whole, single] = [[], []] as [[string, unknown][], [string, unknown][]];
    for (const entry of Object.entries(rules)) (entry[0].endsWith("/*") ? whole : single).push(entry);
    for (const [procedure, rule] of whole) readRule(rule, procedure);
    policyFromData({ ...rest, rules: Object.fromEntries(single) }, { origin: "the block" });
    return [];
  },
  rules: (data) => yamlKinds["policy"]?.({ rules: data }) ?? [],
  "policy-test"(data) {
    readCases(data, "the block");
    return [];
  },
  helm: (data) =>
    unknownMembers(data, parse(readFileSync(join(root, "deploy/helm/countersign/values.yaml"), "utf8"))),
  /** Of other programs: only read. */
  compose: () => [],
  envoy: () => [],
  kubernetes: () => [],
  prometheus: () => [],
};

/** Lines that begin as commands, modules or configuration do. */
const codeLine =
  /^\s*(\$ |(npx|npm|curl|countersign(?= [a-z])|import|export|const|function|package|def|service|message) |[\w-]+: ?[{["]|\{\s*$)/m;

/** What is looked at in a block of each language. A language that is not here is refused. */
export const blockChecks: Readonly<Record<string, BlockCheck>> = {
  // All in one program, by typescript-blocks.ts.
  ts: () => [],
  // Figures, and what programs print.
  text: () => [],
  "": ({ code }) => (codeLine.test(code) ? ["it looks like code, and says no language"] : []),
  yaml({ code, marks }) {
    const kind = String(marks.get("kind") ?? "config");
    const check = yamlKinds[kind];
    return check === undefined
      ? [`kind=${kind} is none of ${Object.keys(yamlKinds).join(", ")}`]
      : check(parse(code));
  },
  json({ code }) {
    JSON.parse(code);
    return [];
  },
  csv({ code }) {
    const [head, ...rows] = readCsv(code);
    const columns = head?.cells.length ?? 0;
    return rows
      .filter(({ cells }) => cells.length !== columns)
      .map(({ line }) => `line ${line} has not the ${columns} columns of the first`);
  },
  proto({ given, code }) {
    const folder = scratchFolder();
    cpSync(join(root, "proto"), folder, { recursive: true });
    writeFileSync(join(folder, "block.proto"), `${given}\n${code}`);
    return failure("buf", ["build", folder]);
  },
  sh: ({ code }) => [
    ...failure("bash", ["-n"], code),
    ...commandsOf(code).flatMap((words) => problemOf(words) ?? []),
  ],
  python({ given, code, marks }) {
    // What is run is read by that.
    if (marks.get("run") === true) return [];
    const path = join(scratchFolder(), "block.py");
    writeFileSync(path, `${given}\n${code}`);
    return failure("python3", ["-m", "py_compile", path]);
  },
  go({ code, marks }) {
    const path = join(scratchFolder(), "block.go");
    writeFileSync(path, code);
    const form = failure("gofmt", ["-e", "-l", path]);
    // What is run is compiled by that.
    if (form.length > 0 || marks.get("run") === true) return form;
    return failure("go", ["run", join(import.meta.dirname, "typecheck.go")], code, goEnvironment);
  },
};

const binFolder = join(root, "node_modules/.bin");

function failure(
  program: string,
  args: readonly string[],
  input?: string,
  env: Readonly<Record<string, string>> = {},
): readonly string[] {
  const run = spawnSync(program, args, {
    encoding: "utf8",
    ...(input !== undefined && { input }),
    env: { ...process.env, PATH: `${binFolder}:${process.env["PATH"]}`, ...env },
  });
  if (run.error !== undefined) throw run.error;
  return run.status === 0 ? [] : [`${program}: ${run.stderr.trim() || run.stdout.trim() || run.status}`];
}

/** Members of some values that the chart's own do not have. What is empty there may be filled. */
function unknownMembers(data: unknown, known: unknown, at = ""): readonly string[] {
  if (!isRecord(data) || !isRecord(known) || Object.keys(known).length === 0) return [];
  return Object.entries(data).flatMap(([name, value]) =>
    Object.hasOwn(known, name)
      ? unknownMembers(value, known[name], `${at}${name}.`)
      : [`${at}${name}: not a value of the chart`],
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
