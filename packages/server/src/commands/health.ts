import type { Command } from "commander";
import { loadConfig } from "../config/config.ts";
import { CommandFailure } from "../terminal/failure.ts";
import { print, printJson } from "../terminal/output.ts";
import { addCommand, type CommandOptions, type Named, perform } from "./command.ts";

/** `countersign health` */
export function addHealthCommand(program: Command, named: Named): void {
  addCommand(program, {
    ...named,
    more: "No secret is read and nothing is opened. The exit code is 0 if gRPC and HTTP both serve, else 1.",
    examples: ["health", "health --config /etc/countersign/countersign.yaml"],
  }).action((options: CommandOptions) =>
    perform(options, async () => {
      const config = loadConfig({ file: options.config, withoutSecrets: true });
      const { isServing } = await import("../doctor/listeners.ts");
      if (!(await isServing(config))) throw new CommandFailure("UNAVAILABLE", "it does not serve");
      if (options.output === "json") printJson({ serving: true });
      else print("it serves\n");
    }),
  );
}
