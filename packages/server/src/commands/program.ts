import { Command } from "commander";
import { addAuditCommand } from "./audit.ts";
import { addBackupCommand } from "./backup.ts";
import { usageExit } from "./command.ts";
import { addConfigCommand } from "./config.ts";
import type { DevOptions } from "./dev.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addExplainCommand } from "./explain.ts";
import { addExportCommand } from "./export.ts";
import { addHealthCommand } from "./health.ts";
import { addKeysCommand } from "./keys.ts";
import { addLimitsCommand } from "./limits.ts";
import { addLogsCommand } from "./logs.ts";
import { addNodesCommand } from "./nodes.ts";
import { addPolicyCommand } from "./policy.ts";
import { addRestoreCommand } from "./restore.ts";
import { addRolesCommand } from "./roles.ts";
import { addSecretsCommand } from "./secrets.ts";
import type { ServeOptions } from "./serve.ts";
import { addTenantsCommand } from "./tenants.ts";
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
  addTenantsCommand(program);
  addTokensCommand(program);
  addLimitsCommand(program);
  addPolicyCommand(program);
  addExplainCommand(program);
  addLogsCommand(program);
  addNodesCommand(program);
  addAuditCommand(program);
  addSecretsCommand(program);
  addBackupCommand(program);
  addRestoreCommand(program);
  addExportCommand(program);
  addConfigCommand(program);
  addDoctorCommand(program);
  addHealthCommand(program);
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
