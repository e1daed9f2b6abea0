import type { Command } from "commander";
import type { PolicyDifference } from "countersign/policy";
import { policyConfig } from "../administration/command-config.ts";
import { print, printJson } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { addCommand, perform } from "./command.ts";
import { addDescriptorsOption, type PolicyOptions } from "./policy-options.ts";

/** `countersign policy diff` */
export function addDiffCommand(policy: Command): void {
  addDescriptorsOption(
    addCommand(policy, {
      usage: "diff <old> <new>",
      description: "which RPCs opened up, and which closed, between two policies",
      more: "Each is a policy file (YAML) or a set of descriptors (`buf build -o FILE.binpb`). Rules are compared by whom they let in, not by how they are written. The exit code is 1 if something opened up.",
      examples: [
        "policy diff main.binpb branch.binpb",
        "policy diff old.yaml new.yaml --descriptors services.binpb",
      ],
    }),
  ).action((before: string, after: string, options: PolicyOptions) =>
    perform(options, () => diff(before, after, options)),
  );
}

async function diff(before: string, after: string, { descriptors, output }: PolicyOptions): Promise<void> {
  const { diffPolicies } = await import("countersign/policy");
  const { readAnyPolicy, readDescriptors } = await import("../policy/policy-files.ts");
  const { servable } = await import("../descriptors.ts");
  const services = [...servable, ...(descriptors === undefined ? [] : readDescriptors(descriptors))];
  const differences = diffPolicies(readAnyPolicy(before, services), readAnyPolicy(after, services));
  const opened = differences.filter(({ kind }) => kind === "opened").length;
  if (output === "json") printJson({ ok: opened === 0, differences });
  else {
    print(
      table<PolicyDifference>(
        [
          ["RPC", ({ procedure }) => procedure],
          ["WHAT", ({ kind }) => kind],
          ["BEFORE", ({ before: text }) => text ?? ""],
          ["AFTER", ({ after: text }) => text ?? ""],
        ],
        differences,
        "No difference.",
      ),
    );
  }
  if (opened > 0) process.exitCode = 1;
}

/** `countersign policy test` */
export function addTestCommand(policy: Command): void {
  addDescriptorsOption(
    addCommand(policy, {
      usage: "test <file>",
      description:
        "ask the policy about the calls in a file, and compare its answers with those that are expected",
      more: "The file is YAML: principals, and tests of { call, request, expect: { PRINCIPAL: allowed or a reason } }; anonymous is a call without a credential. The exit code is 1 if an answer is another one.",
      examples: [
        "policy test policy-test.yaml",
        "policy test policy-test.yaml --config countersign.yaml -o json",
      ],
    }),
  ).action((file: string, options: PolicyOptions) => perform(options, () => test(file, options)));
}

async function test(path: string, { config: file, descriptors, output }: PolicyOptions): Promise<void> {
  const { completePolicy } = await import("../administration/complete-policy.ts");
  const { servedBy } = await import("../descriptors.ts");
  const { readYaml } = await import("../policy/policy-files.ts");
  const { readCases, runCases } = await import("../policy/policy-cases.ts");
  const config = policyConfig(file);
  const { served, outside, outsideServices } = await completePolicy(config, { descriptors });
  const methods = [...servedBy(config), ...outsideServices].flatMap((service) => service.methods);
  const policy = { tables: [...served, ...outside], mode: config.auth.mode, methods };
  const results = await runCases(readCases(readYaml(path), path), policy, path);
  const failed = results.filter(({ ok }) => !ok);
  const asked = new Set(results.map(({ call }) => call));
  const untested = methods
    .map(({ parent, name }) => `/${parent.typeName}/${name}`)
    .filter((name) => !asked.has(name));
  if (output === "json") printJson({ ok: failed.length === 0, results, untested });
  else {
    for (const { call, as, expected, actual } of failed)
      print(`not ok  ${call} as ${as}: ${actual}, expected ${expected}\n`);
    print(
      `${results.length - failed.length} of ${results.length} as expected; ${untested.length} RPCs without a test\n`,
    );
  }
  if (failed.length > 0) process.exitCode = 1;
}
