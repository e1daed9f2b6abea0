import type { Command } from "commander";
import { stringify } from "yaml";
import { commandConfig } from "../administration/command-config.ts";
import { describeConfig } from "../administration/describe-config.ts";
import { loadConfig } from "../config/config.ts";
import { oneLine } from "../terminal/failure.ts";
import { print, printJson } from "../terminal/output.ts";
import { addCommand, addGroup, type CommandOptions, type Named, perform } from "./command.ts";

interface CheckOptions extends CommandOptions {
  readonly environment?: "production" | "development" | undefined;
}

/** `countersign config` */
export function addConfigCommand(program: Command, named: Named): void {
  const config = addGroup(program, named);
  const check = addCommand(config, {
    usage: "check",
    description: "print the configuration in force and what is wrong with it",
    more: 'Of secrets it says "set" or "missing", and nothing else. The exit code is 1 if there is a problem.',
    examples: [
      "config check",
      "config check --config /etc/countersign.yaml --environment production -o json",
    ],
  });
  check
    .addOption(
      check
        .createOption(
          "--environment <name>",
          "check as for this one (default: as the file says; without a file, development)",
        )
        .choices(["production", "development"]),
    )
    .action((options: CheckOptions) => perform(options, () => checkConfig(options)));
}

async function checkConfig({ config: file, environment, output }: CheckOptions): Promise<void> {
  const config = environment === undefined ? commandConfig(file) : loadConfig({ file, environment });
  const described = describeConfig(config);
  const { configurationProblems } = await import("../administration/configuration-report.ts");
  const problems = await configurationProblems(config);
  if (output === "json") printJson({ ok: problems.length === 0, config: described, problems });
  else print(`${stringify(described)}\n${problemsText(problems)}`);
  if (problems.length > 0) process.exitCode = 1;
}

function problemsText(problems: readonly string[]): string {
  if (problems.length === 0) return "No problems.\n";
  return `${problems.length === 1 ? "1 problem" : `${problems.length} problems`}:\n${problems.map((text) => `  ${oneLine(text)}\n`).join("")}`;
}
