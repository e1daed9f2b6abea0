import type { Command } from "commander";
import { commandConfig } from "../administration/command-config.ts";
import { localOperator } from "../administration/local-operator.ts";
import { restoreStore } from "../database.ts";
import { CommandFailure } from "../terminal/failure.ts";
import { note, print, printJson } from "../terminal/output.ts";
import { plural } from "../terminal/plural.ts";
import { progress } from "../terminal/progress.ts";
import { addCommand, type CommandOptions, type Named, perform } from "./command.ts";
import { addPassphraseOptions, knownPassphrase, type PassphraseOptions } from "./passphrase.ts";

interface RestoreOptions extends CommandOptions, PassphraseOptions {
  readonly force?: boolean | undefined;
  readonly moved?: boolean | undefined;
}

/** `countersign restore` */
export function addRestoreCommand(program: Command, named: Named): void {
  const command = addCommand(program, {
    ...named,
    more: "What was revoked after the backup must not come back by itself. So all sessions end and all tokens are refused, and what\nthe database that is replaced knows to be revoked or disabled stays so. Servers that run on it notice within a second.",
    examples: [
      "restore /backups/countersign-2026-11-22.backup",
      "restore ./all.backup --force --passphrase-file /run/secrets/backup",
      "restore ./from-sqlite.backup --moved --config /etc/countersign-postgres.yaml",
    ],
  })
    .option("--force", "replace what the database holds")
    .option(
      "--moved",
      "the server was stopped before the backup, and nothing has happened since: sessions and tokens stay",
    );
  addPassphraseOptions(command).action((file: string, options: RestoreOptions) =>
    perform(options, () => restore(file, options)),
  );
}

async function restore(file: string, options: RestoreOptions): Promise<void> {
  const { force = false, moved = false, output } = options;
  const { openBackup, BackupError } = await import("countersign/store/backup");
  try {
    const { header, parts } = await openBackup(file);
    const passphrase = header.encrypted ? await knownPassphrase(options) : undefined;
    const restored = await restoreStore(
      commandConfig(options.config),
      { ...header, parts: parts(passphrase) },
      { replace: force, nothingSince: moved, onProgress: progress("rows"), origin: localOperator },
    );
    const result = {
      file,
      backed_up_at: header.createdAt.toISOString(),
      rows: restored.rows,
      tables: restored.tables,
      sessions_ended: restored.sessionsEnded,
      keys_still_revoked: restored.keysStillRevoked,
      users_still_disabled: restored.usersStillDisabled,
    };
    if (output === "json") return printJson(result);
    print(`${file}, of ${result.backed_up_at}: ${plural(restored.rows, "row")} restored\n`);
    if (!moved) for (const line of aftermath(result)) note(line);
  } catch (error) {
    if (error instanceof BackupError) throw new CommandFailure("DATA_LOSS", `${file}: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES" || code === "EISDIR")
      throw new CommandFailure("NOT_FOUND", `cannot read ${file} (${code})`);
    throw error;
  }
}

interface Result {
  readonly backed_up_at: string;
  readonly sessions_ended: number;
  readonly keys_still_revoked: number;
  readonly users_still_disabled: number;
}

function aftermath(result: Result): readonly string[] {
  const { backed_up_at: at, sessions_ended: sessions } = result;
  const still = [
    ...(result.keys_still_revoked > 0
      ? [
          `${plural(result.keys_still_revoked, "key")} that ${was(result.keys_still_revoked)} revoked or disabled since`,
        ]
      : []),
    ...(result.users_still_disabled > 0
      ? [
          `${plural(result.users_still_disabled, "user")} that ${was(result.users_still_disabled)} disabled since`,
        ]
      : []),
  ];
  return [
    `${plural(sessions, "session")} ended, and no token that was issued until now is accepted: everybody logs in again.`,
    ...(still.length > 0 ? [`Stay as they are: ${still.join(", ")}.`] : []),
    `All else is as it was at ${at}: passwords, roles, second factors, deleted users, and keys that were revoked since where the replaced database did not know it. Look at what was changed after that, and do it again (docs/operations.md).`,
  ];
}

function was(count: number): string {
  return count === 1 ? "was" : "were";
}
