import type { Command } from "commander";
import type { BackupPart } from "countersign/store/backup";
import { commandConfig, noStore } from "../administration/command-config.ts";
import { ConfigError } from "../config/config-error.ts";
import { databasePath, mayHaveStore, snapshotStore } from "../database.ts";
import { CommandFailure } from "../terminal/failure.ts";
import { note, print, printJson } from "../terminal/output.ts";
import { plural } from "../terminal/plural.ts";
import { progress } from "../terminal/progress.ts";
import { addCommand, type CommandOptions, type Named, perform } from "./command.ts";
import {
  addPassphraseOptions,
  givenPassphrase,
  newPassphrase,
  type PassphraseOptions,
} from "./passphrase.ts";

interface BackupOptions extends CommandOptions, PassphraseOptions {
  readonly encrypt?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** `countersign backup` */
export function addBackupCommand(program: Command, named: Named): void {
  const command = addCommand(program, {
    ...named,
    more: "The file goes into SQLite and PostgreSQL alike. It holds no secret in the clear, and is of no use without the master\nkey and the peppers of the configuration: keep them, and apart from it.",
    examples: [
      "backup /backups/countersign-2026-11-22.backup",
      "backup ./all.backup --encrypt --passphrase-file /run/secrets/backup",
    ],
  })
    .option("--encrypt", "with a passphrase that is asked for, or that one of the options below points to")
    .option("--force", "replace the file if it is there");
  addPassphraseOptions(command).action((file: string, options: BackupOptions) =>
    perform(options, () => backUp(file, options)),
  );
}

async function backUp(file: string, options: BackupOptions): Promise<void> {
  const { encrypt = false, force = false, output } = options;
  const config = commandConfig(options.config);
  if (!mayHaveStore(config)) throw new ConfigError(noStore(databasePath(config)));
  const passphrase = encrypt ? await newPassphrase(options) : await givenPassphrase(options);
  const { writeBackup } = await import("countersign/store/backup");
  const snapshot = await snapshotStore(config);
  const tally = new Tally();
  try {
    const counted = { ...snapshot, parts: tally.count(snapshot.parts) };
    const options = { passphrase, overwrite: force, createdAt: new Date() };
    const bytes = await writeBackup(file, counted, options).catch((error: NodeJS.ErrnoException) => {
      throw explained(file, error);
    });
    const made = {
      file,
      bytes,
      encrypted: passphrase !== undefined,
      schema_version: snapshot.schemaVersion,
      ...tally.report(),
    };
    if (output === "json") return printJson(made);
    print(`${file}: ${plural(made.rows, "row")}, ${Math.ceil(bytes / 1024)} kB\n`);
    note(needed(made.needs));
  } finally {
    await snapshot.close();
  }
}

/** What a file system says, in one line. */
function explained(file: string, error: NodeJS.ErrnoException): Error {
  if (error.code === "EEXIST")
    return new CommandFailure("ALREADY_EXISTS", `${file} is there already: --force replaces it`);
  if (typeof error.code !== "string" || error.syscall === undefined) return error;
  return new CommandFailure("UNAVAILABLE", `cannot write ${file} (${error.code})`);
}

interface Needs {
  /** How many things are sealed under it. */
  readonly master_key: number;
  readonly peppers: readonly { readonly id: string; readonly keys: number }[];
}

function needed({ master_key: sealed, peppers }: Needs): string {
  const keys = peppers.map(({ id, keys }) => `the pepper "${id}" (${plural(keys, "API key")})`);
  const what = [...(sealed > 0 ? [`the master key (${plural(sealed, "sealed secret")})`] : []), ...keys];
  return what.length === 0
    ? "It needs no secrets beside it."
    : `Keep beside it, and apart from it: ${what.join(", ")}.`;
}

/** Counts what goes by. */
class Tally {
  readonly #rows = new Map<string, number>();
  readonly #peppers = new Map<string, number>();
  #total = 0;

  async *count(parts: AsyncIterable<BackupPart>): AsyncGenerator<BackupPart> {
    const tell = progress("rows");
    let table = "";
    let pepper = -1;
    for await (const part of parts) {
      if (part.kind === "table") {
        table = part.name;
        pepper = part.columns.findIndex(({ name }) => name === "pepper_id");
        this.#rows.set(table, 0);
      }
      if (part.kind === "rows") {
        this.#rows.set(table, (this.#rows.get(table) ?? 0) + part.rows.length);
        this.#total += part.rows.length;
        tell(this.#total);
        for (const row of pepper < 0 ? [] : part.rows) {
          const id = String(row[pepper]);
          this.#peppers.set(id, (this.#peppers.get(id) ?? 0) + 1);
        }
      }
      yield part;
    }
  }

  report(): {
    readonly rows: number;
    readonly tables: Readonly<Record<string, number>>;
    readonly needs: Needs;
  } {
    const sealed = (this.#rows.get("signing_keys") ?? 0) + (this.#rows.get("totp") ?? 0);
    const peppers = [...this.#peppers].map(([id, keys]) => ({ id, keys }));
    return {
      rows: this.#total,
      tables: Object.fromEntries(this.#rows),
      needs: { master_key: sealed, peppers },
    };
  }
}
