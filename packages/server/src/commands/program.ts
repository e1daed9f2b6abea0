import { Command } from "commander";
import { addAuditCommand } from "./audit.ts";
import { usageExit } from "./command.ts";
import { addConfigCommand } from "./config.ts";
import type { DevOptions } from "./dev.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addExplainCommand } from "./explain.ts";
import { addKeysCommand } from "./keys.ts";
import { addPolicyCommand } from "./policy.ts";
import { addRolesCommand } from "./roles.ts";
import type { ServeOptions } from "./serve.ts";
import { addTokensCommand } from "./tokens.ts";
import { addUsersCommand } from "./users.ts";

/** The command line. One file per command; this one only says what there is. */
export function createProgram(): Command {
  const program = new Command("countersign").description(
    "Authentication and authorization for gRPC services: API keys, tokens, users",
  );
  // The one line of a mistake is written by `usageExit`, and may be JSON.
  program.configureOutput({ outputError: () => {} }).exitOverride(usageExit(program));
  addServer(program, "dev", "serve on this machine, with users and a key to try it with").action(
    // What serves takes a while to load, and the other commands do without it.
    async (options: DevOptions) => (await import("./dev.ts")).dev(options),
  );
  addServer(program, "serve", "serve as the configuration says").action(async (options: ServeOptions) =>
    (await import("./serve.ts")).serve(options),
  );
  addUsersCommand(program);
  addKeysCommand(program);
  addRolesCommand(program);
  addTokensCommand(program);
  addPolicyCommand(program);
  addExplainCommand(program);
  addAuditCommand(program);
  addConfigCommand(program);
  addDoctorCommand(program);
  return program;
}

function addServer(program: Command, name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .option("--config <file>", "configuration file (default: countersign.yaml, if there is one)")
    .option("--json", "one line of JSON when it is ready");
  return command.exitOverride(usageExit(command));
}
