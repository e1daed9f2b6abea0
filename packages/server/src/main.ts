import { StoreUnavailable } from "countersign/store";
import { createProgram, loadCommands } from "./commands/program.ts";
import { ConfigError } from "./config/config-error.ts";

/** Runs the program. The exit code says how it went: 0 well, 1 not, 2 for what is wrong with the command or with a value in it. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram(await loadCommands(argv)).parseAsync([...argv]);
  } catch (error) {
    process.stderr.write(`countersign: ${explain(error)}\n`);
    process.exitCode ||= 1;
  }
}

/** One line for what was foreseen; everything there is for what was not. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StoreUnavailable) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
