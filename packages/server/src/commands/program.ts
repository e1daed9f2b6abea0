import { Command } from "commander";
import { dev } from "./dev.ts";
import { serve } from "./serve.ts";

/** The command line. One file per command; this one only says what there is. */
export function createProgram(): Command {
  const program = new Command("countersign")
    .description("Authentication and authorization for gRPC services: API keys, tokens, users")
    .showHelpAfterError("(countersign --help tells what there is)");
  program
    .command("dev")
    .description("serve on this machine, with users and a key to try it with")
    .option("--config <file>", "configuration file (default: countersign.yaml, if there is one)")
    .option("--json", "one line of JSON when it is ready")
    .action(dev);
  program
    .command("serve")
    .description("serve as the configuration says")
    .option("--config <file>", "configuration file (default: countersign.yaml, if there is one)")
    .option("--json", "one line of JSON when it is ready")
    .action(serve);
  return program;
}
