import { Command } from "commander";
import { keepPausesShort } from "../short-pauses.ts";
import { addCommand, addGroup, type Named, usageExit } from "./command.ts";
import type { DevOptions } from "./dev.ts";
import type { ServeOptions } from "./serve.ts";

type Add = (program: Command, named: Named) => void;

/** A command, or a group of commands, and where it is. */
type Entry = ({ readonly group: Named } | { readonly command: Named }) & {
  readonly load: () => Promise<Add>;
};

/** What there is besides the servers, in the order of `--help`. */
const entries: readonly Entry[] = [
  {
    group: { usage: "users", description: "accounts; a user is named by username, id or email" },
    load: async () => (await import("./users.ts")).addUsersCommand,
  },
  {
    group: {
      usage: "keys",
      description: "API keys, named by their ids, the part that is no secret; and the keys that sign tokens",
    },
    load: async () => (await import("./keys.ts")).addKeysCommand,
  },
  {
    group: { usage: "roles", description: "roles: named sets of permissions, and who holds them" },
    load: async () => (await import("./roles.ts")).addRolesCommand,
  },
  {
    group: { usage: "tenants", description: "tenants: customers whose users know nothing of each other" },
    load: async () => (await import("./tenants.ts")).addTenantsCommand,
  },
  {
    group: { usage: "tokens", description: "access tokens, signed and checked with the signing keys" },
    load: async () => (await import("./tokens.ts")).addTokensCommand,
  },
  {
    group: { usage: "limits", description: "how often callers may call, and how much of that is used" },
    load: async () => (await import("./limits.ts")).addLimitsCommand,
  },
  {
    group: { usage: "policy", description: "who may call what, and how that changes" },
    load: async () => (await import("./policy.ts")).addPolicyCommand,
  },
  {
    command: {
      usage: "explain <user-or-request> [method]",
      description: "which rule decides about a user's call, or decided about a request, and what is missing",
    },
    load: async () => (await import("./explain.ts")).addExplainCommand,
  },
  {
    group: { usage: "logs", description: "the request log: who called what, and how it ended" },
    load: async () => (await import("./logs.ts")).addLogsCommand,
  },
  {
    group: { usage: "nodes", description: "the servers that serve from this database" },
    load: async () => (await import("./nodes.ts")).addNodesCommand,
  },
  {
    group: { usage: "audit", description: "who changed what, and whether that log is as it was written" },
    load: async () => (await import("./audit.ts")).addAuditCommand,
  },
  {
    group: { usage: "secrets", description: "the pepper and the master key that the database is kept under" },
    load: async () => (await import("./secrets.ts")).addSecretsCommand,
  },
  {
    command: {
      usage: "backup <file>",
      description: "write all that the database holds to a file, also while servers run on it",
    },
    load: async () => (await import("./backup.ts")).addBackupCommand,
  },
  {
    command: {
      usage: "restore <file>",
      description:
        "make the database hold what was backed up, of SQLite or of PostgreSQL, in one transaction",
    },
    load: async () => (await import("./restore.ts")).addRestoreCommand,
  },
  {
    command: {
      usage: "export",
      description:
        "write users, keys, roles and the audit log for people and other programs, without secrets and digests",
    },
    load: async () => (await import("./export.ts")).addExportCommand,
  },
  {
    group: { usage: "config", description: "the configuration" },
    load: async () => (await import("./config.ts")).addConfigCommand,
  },
  {
    command: {
      usage: "doctor",
      description:
        "look at everything that a server needs, and say what to do about what is wrong; nothing is changed",
    },
    load: async () => (await import("./doctor.ts")).addDoctorCommand,
  },
  {
    command: {
      usage: "health",
      description:
        "ask the server on the configured addresses whether it serves; for health checks of containers",
    },
    load: async () => (await import("./health.ts")).addHealthCommand,
  },
];

/** What was loaded of the commands. */
export type Loaded = ReadonlyMap<Entry, Add>;

/** Loads the commands that these words speak of: each takes a while. Default: all. */
export async function loadCommands(words?: readonly string[]): Promise<Loaded> {
  const spoken = words === undefined ? entries : entries.filter((entry) => words.includes(nameOf(entry)));
  return new Map(await Promise.all(spoken.map(async (entry) => [entry, await entry.load()] as const)));
}

/** The command line. One file per command; of those that are not loaded, it says what they are for. */
export function createProgram(loaded: Loaded): Command {
  const program = new Command("countersign").description(
    "Authentication and authorization for gRPC services: API keys, tokens, users",
  );
  // The one line of a mistake is written by `usageExit`, and may be JSON.
  program.configureOutput({ outputError: () => {} }).exitOverride(usageExit(program));
  addServer(program, "dev", "serve on this machine, with users and a key to try it with").action(
    async (options: DevOptions) => (await import("./dev.ts")).dev(options),
  );
  addServer(program, "serve", "serve as the configuration says").action(async (options: ServeOptions) =>
    (await import("./serve.ts")).serve(options),
  );
  for (const entry of entries) {
    const add = loaded.get(entry);
    if (add !== undefined) add(program, namedOf(entry));
    else if ("group" in entry) addGroup(program, entry.group);
    else addCommand(program, { ...entry.command, examples: [] });
  }
  return program;
}

function namedOf(entry: Entry): Named {
  return "group" in entry ? entry.group : entry.command;
}

function nameOf(entry: Entry): string {
  return namedOf(entry).usage.split(" ", 1).join("");
}

function addServer(program: Command, name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .option("--config <file>", "configuration file (default: countersign.yaml, if there is one)")
    .option("--json", "one line of JSON when it is ready")
    // The heap grows while the parts of a server are loaded, and does not shrink: its pauses are kept short before.
    .hook("preAction", keepPausesShort);
  return command.exitOverride(usageExit(command));
}
