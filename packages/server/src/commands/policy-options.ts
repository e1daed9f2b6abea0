import type { Command } from "commander";
import type { CommandOptions } from "./command.ts";

/** What commands about a policy can be told. */
export interface PolicyOptions extends CommandOptions {
  readonly descriptors?: string | undefined;
}

/** Adds `--descriptors`. */
export function addDescriptorsOption(command: Command): Command {
  return command.option(
    "--descriptors <file>",
    "services that are guarded from outside: what `buf build -o FILE.binpb` makes (default: policy.descriptors)",
  );
}
