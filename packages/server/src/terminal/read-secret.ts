import { readFileSync } from "node:fs";
import { CommandFailure, UsageError } from "./failure.ts";
import { askHidden, isInteractive } from "./prompt.ts";

/** Longer than any secret, so that a wrong file is noticed. */
const longest = 65_536;

/** The options of commands that take a password. */
export interface PasswordOptions {
  readonly passwordStdin?: boolean | undefined;
  readonly passwordFile?: string | undefined;
}

/** The password that the options point to; undefined where they point to none. */
export async function givenPassword({
  passwordStdin,
  passwordFile,
}: PasswordOptions): Promise<string | undefined> {
  if (passwordStdin && passwordFile !== undefined) {
    throw new UsageError("--password-stdin and --password-file exclude each other: name one of them");
  }
  if (passwordFile !== undefined) return notEmpty(readSecretFile(passwordFile), passwordFile);
  if (!passwordStdin) return undefined;
  return isInteractive() ? askNewPassword() : notEmpty(await readStandardInput(), "standard input");
}

/** Asks twice, at a terminal. */
export async function askNewPassword(): Promise<string> {
  const password = await askHidden("New password: ");
  const again = await askHidden("Once more: ");
  if (password !== again) throw new CommandFailure("CANCELLED", "the two are different; nothing was changed");
  return notEmpty(password, "the answer");
}

/** A secret from a file, without the line end that an editor adds. */
export function readSecretFile(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure("NOT_FOUND", `cannot read ${path} (${code ?? "unknown error"})`);
  }
  return secretText(bytes, path);
}

/** All of standard input, without the line end at its end. */
export async function readStandardInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > longest) break;
    chunks.push(chunk);
  }
  return secretText(length > longest ? new Uint8Array(length) : Buffer.concat(chunks), "standard input");
}

function secretText(bytes: Uint8Array, where: string): string {
  if (bytes.length > longest)
    throw new CommandFailure("INVALID_ARGUMENT", `${where} is too long to be a secret`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    throw new CommandFailure("INVALID_ARGUMENT", `${where} is not text in UTF-8`);
  }
}

function notEmpty(secret: string, where: string): string {
  if (secret === "")
    throw new CommandFailure("INVALID_ARGUMENT", `${where} is empty: a password was expected there`);
  return secret;
}
