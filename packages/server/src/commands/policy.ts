import type { Command } from "commander";
import { PolicyService } from "countersign/descriptors";
import { policyConfig } from "../administration/command-config.ts";
import { print, printJson, printMessage } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { addCommand, addGroup, type Named, perform } from "./command.ts";
import { addDiffCommand, addTestCommand } from "./policy-files.ts";
import { addDescriptorsOption, type PolicyOptions } from "./policy-options.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

/** `countersign policy` */
export function addPolicyCommand(program: Command, named: Named): void {
  const policy = addGroup(program, named);
  addCheckCommand(policy);
  addTargetCommand(policy, {
    usage: "list",
    description: "every rule in force, and where it is written",
    examples: ["policy list", "policy list --server 127.0.0.1:50051 -o json"],
  }).action((options: TargetOptions) =>
    options.server === undefined ? perform(options, () => listHere(options)) : listThere(options),
  );
  addDiffCommand(policy);
  addTestCommand(policy);
  addShadowCommand(policy);
}

async function listHere({ config: file, output }: TargetOptions): Promise<void> {
  const { completePolicy } = await import("../administration/complete-policy.ts");
  const rules = (await completePolicy(policyConfig(file))).auth.rules();
  if (output === "json") printJson({ rules: rules.map((rule) => ({ origin: "", ...rule })) });
  else print(rulesText(rules));
}

function listThere(options: TargetOptions): Promise<void> {
  return administer(options, async (administration) => {
    const answer = await administration.call(PolicyService.method.listRules, {});
    if (options.output === "json") printMessage(PolicyService.method.listRules.output, answer);
    else print(rulesText(answer.rules));
  });
}

interface Line {
  readonly procedure: string;
  readonly rule: string;
  readonly source: string;
  readonly origin?: string | undefined;
}

function addCheckCommand(policy: Command): void {
  addDescriptorsOption(
    addCommand(policy, {
      usage: "check",
      description: "see that every RPC has its rule, and print them",
      more: "The exit code is 1 if a server would not start with this policy, or if an RPC of the descriptors has no rule.",
      examples: [
        "policy check",
        "policy check --config countersign.yaml --descriptors services.binpb -o json",
      ],
    }),
  ).action((options: PolicyOptions) => perform(options, () => check(options)));
}

async function check({ config: file, descriptors, output }: PolicyOptions): Promise<void> {
  const { completePolicy } = await import("../administration/complete-policy.ts");
  const { proceduresOf } = await import("../policy/node-policy.ts");
  const config = policyConfig(file);
  const { auth, outside, outsideServices } = await completePolicy(config, { descriptors });
  const elsewhere = outside.flatMap((rules) =>
    [...rules].map(
      ([procedure, rule]): Line => ({
        ...{ procedure, rule: typeof rule === "string" ? rule : (rule.title ?? "guard") },
        ...{ source: "table", origin: rules.origin },
      }),
    ),
  );
  const holes = outsideServices
    .flatMap(proceduresOf)
    .filter((name) => !elsewhere.some(({ procedure }) => procedure === name));
  const byMode = config.auth.mode === undefined ? [] : holes;
  const missing = config.auth.mode === undefined ? holes : [];
  const modeLines = byMode.map(
    (procedure): Line => ({ procedure, rule: `mode: ${config.auth.mode}`, source: "mode" }),
  );
  const rules = [...auth.rules(), ...elsewhere, ...modeLines];
  if (output === "json") printJson({ ok: missing.length === 0, rules, missing });
  else {
    print(rulesText(rules));
    print(
      missing.length === 0
        ? `\n${rules.length} RPCs, each with its rule.\n`
        : `\nno rule for:\n${missing.map((name) => `  ${name}\n`).join("")}`,
    );
  }
  if (missing.length > 0) process.exitCode = 1;
}

function addShadowCommand(policy: Command): void {
  addTargetCommand(policy, {
    usage: "shadow",
    description:
      "what the candidate policy of a running server would have answered differently since its start",
    more: "The candidate is the file that `policy.shadow` of the server's configuration names. The exit code is 1 if there is a difference.",
    examples: ["policy shadow --server 127.0.0.1:50051"],
  }).action((options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(PolicyService.method.listShadowDifferences, {});
      if (options.output === "json") printMessage(PolicyService.method.listShadowDifferences.output, answer);
      else
        print(
          `${shadowText(answer.differences)}\n${answer.same} calls alike, ${answer.undecided} undecided\n`,
        );
      if (answer.differences.length > 0) process.exitCode = 1;
    }),
  );
}

function rulesText(rules: readonly Line[]): string {
  return table<Line>(
    [
      ["RPC", ({ procedure }) => procedure],
      ["RULE", ({ rule }) => rule],
      ["FROM", ({ source, origin }) => (origin === undefined || origin === "" ? source : origin)],
    ],
    rules,
    "No rules.",
  );
}

interface Difference {
  readonly procedure: string;
  readonly kind: string;
  readonly calls: bigint;
  readonly userIds: readonly string[];
  readonly reason: string;
}

function shadowText(differences: readonly Difference[]): string {
  return table<Difference>(
    [
      ["RPC", ({ procedure }) => procedure],
      ["WHAT", ({ kind }) => kind],
      ["CALLS", ({ calls }) => String(calls)],
      ["REASON", ({ reason }) => reason],
      ["USERS", ({ userIds }) => userIds.map((id) => id || "anonymous").join(", ")],
    ],
    differences,
    "No difference.",
  );
}
