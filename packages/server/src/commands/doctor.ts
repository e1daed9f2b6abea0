import type { Command } from "commander";
import type { Check } from "../doctor/check.ts";
import { oneLine } from "../terminal/failure.ts";
import { print, printJson } from "../terminal/output.ts";
import { addCommand, type CommandOptions, type Named, perform } from "./command.ts";

interface DoctorOptions extends CommandOptions {
  readonly strict?: boolean | undefined;
}

/** `countersign doctor` */
export function addDoctorCommand(program: Command, named: Named): void {
  addCommand(program, {
    ...named,
    more: "The exit code is 1 if a check failed, and with --strict also if one gave a warning.",
    examples: ["doctor", "doctor --config /etc/countersign.yaml --strict -o json"],
  })
    .option("--strict", "take warnings for failures")
    .action((options: DoctorOptions) =>
      perform(options, async () => {
        const { examine } = await import("../doctor/examine.ts");
        const checks = await examine(options.config);
        const bad = options.strict ? ["warn", "fail"] : ["fail"];
        const healthy = !checks.some(({ status }) => bad.includes(status));
        if (options.output === "json") printJson({ ok: healthy, checks });
        else print(report(checks));
        if (!healthy) process.exitCode = 1;
      }),
    );
}

function report(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, status, detail, remedy }) => {
      const what = remedy === undefined ? detail : `${detail}; ${remedy}`;
      return `${status.padEnd(4)}  ${name.padEnd(width)}  ${oneLine(what)}\n`;
    })
    .join("");
}
