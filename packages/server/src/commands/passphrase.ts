import type { Command } from "commander";
import { CommandFailure, UsageError } from "../terminal/failure.ts";
import { askHidden, isInteractive } from "../terminal/prompt.ts";
import { askNewPassword, readSecretFile, readStandardInput } from "../terminal/read-secret.ts";

export interface PassphraseOptions {
  readonly passphraseFile?: string | undefined;
  readonly passphraseStdin?: boolean | undefined;
}

export function addPassphraseOptions(command: Command): Command {
  return command
    .option("--passphrase-file <file>", "the passphrase of an encrypted backup is in this file")
    .option("--passphrase-stdin", "it is on standard input");
}

/** The passphrase that the options point to. */
export async function givenPassphrase(options: PassphraseOptions): Promise<string | undefined> {
  const { passphraseFile: file, passphraseStdin = false } = options;
  if (passphraseStdin && file !== undefined)
    throw new UsageError("--passphrase-stdin and --passphrase-file exclude each other: name one of them");
  if (file !== undefined) return required(readSecretFile(file), file);
  return passphraseStdin ? required(await readStandardInput(), "standard input") : undefined;
}

/** The same, or a new one that is asked for twice. */
export async function newPassphrase(options: PassphraseOptions): Promise<string> {
  return (await givenPassphrase(options)) ?? (isInteractive() ? askNewPassword() : missing());
}

/** The same, or what somebody at the terminal knows. */
export async function knownPassphrase(options: PassphraseOptions): Promise<string> {
  const given = await givenPassphrase(options);
  if (given !== undefined) return given;
  return isInteractive() ? required(await askHidden("Passphrase: "), "the answer") : missing();
}

function required(passphrase: string, where: string): string {
  if (passphrase !== "") return passphrase;
  throw new CommandFailure("INVALID_ARGUMENT", `${where} is empty: a passphrase was expected there`);
}

function missing(): never {
  throw new UsageError("a passphrase is needed: --passphrase-file, or --passphrase-stdin");
}
