import { type Command, type CommanderError, InvalidArgumentError, Option } from "commander";
import { failureLine, failureOf } from "../terminal/failure.ts";
import type { OutputFormat } from "../terminal/output.ts";

/** What every command but `dev` and `serve` can be told. */
export interface CommandOptions {
  readonly output: OutputFormat;
  readonly config?: string | undefined;
}

/** What stands in the list of commands. */
export interface Named {
  /** The name, then its arguments: `show <user>`. */
  readonly usage: string;
  readonly description: string;
}

export interface CommandSpec extends Named {
  /** Lines to paste, for `--help`. */
  readonly examples: readonly string[];
  /** What `--help` says besides. */
  readonly more?: string;
  /** Options of its own whose names elsewhere stand for secrets: `key`, where it is the id of one. */
  readonly own?: readonly string[];
}

/** Adds a command with what all of them have: `--output`, `--config`, examples, and no way in for secrets. */
export function addCommand(parent: Command, spec: CommandSpec): Command {
  const { usage, description, examples, more } = spec;
  const command = parent
    .command(usage)
    .description(description)
    .addOption(new Option("-o, --output <format>", "how to answer").choices(["text", "json"]).default("text"))
    .option(
      "--config <file>",
      "configuration file (default: COUNTERSIGN_CONFIG, else countersign.yaml if there is one)",
    );
  const shown = examples.map((line) => `  $ countersign ${line}\n`).join("");
  command.addHelpText("after", `${more === undefined ? "" : `\n${more}\n`}\nExamples:\n${shown.trimEnd()}`);
  refuseSecrets(command, spec.own ?? []);
  return command.exitOverride(usageExit(command));
}

/** Adds a command that only holds others. */
export function addGroup(parent: Command, { usage, description }: Named): Command {
  const group = parent.command(usage).description(description);
  return group.exitOverride(usageExit(group));
}

/** Does a command's work, and tells what was foreseen to go wrong in one line. */
export async function perform(
  { output }: Pick<CommandOptions, "output">,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    process.stderr.write(`${failureLine(failure, output)}\n`);
    process.exitCode = failure.exitCode;
  }
}

/** Reads a whole number, for an option. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a whole number.");
}

/** Collects the values of an option that may be there several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** How a command that was not understood ends: one line, and exit code 2. */
export function usageExit(command: Command): (error: CommanderError) => never {
  return ({ exitCode, code, message }) => {
    // Help and version have been written already; help that nobody asked for stands in for a missing command.
    if (exitCode !== 0 && code !== "commander.help") writeUsageFailure(message, pathOf(command));
    process.exit(exitCode === 0 ? 0 : 2);
  };
}

/** Names under which people expect to pass secrets. */
const secretNames = [
  "password",
  "secret",
  "token",
  "api-key",
  "key",
  "credential",
  "pepper",
  "private-key",
  "passphrase",
];

function refuseSecrets(command: Command, own: readonly string[]): void {
  for (const name of secretNames.filter((each) => !own.includes(each))) {
    command.addOption(new Option(`--${name} [value]`).hideHelp());
    command.on(`option:${name}`, () => {
      command.error(
        `--${name}: a secret does not come from an argument, where shell histories and process lists show it: use a file, standard input or the environment`,
      );
    });
  }
}

function writeUsageFailure(text: string, path: string): void {
  const message = `${withoutValues(text)}; see ${path} --help`;
  const failure = { exitCode: 2, status: "USAGE", message, violations: [] } as const;
  process.stderr.write(`${failureLine(failure, wantsJson(process.argv) ? "json" : "text")}\n`);
}

/** What stands in a place where nothing was expected may be a secret: it is not repeated. */
function withoutValues(message: string): string {
  return (
    message
      .replace(/^error: /, "")
      .replace(/(unknown option '-[^=']*)=[\s\S]*'/, "$1'")
      // A key in PEM begins like an option.
      .replace(/unknown option '(?!--?[A-Za-z][\w-]{0,30}')[\s\S]*'/, "unknown option")
      .replace(/(but got \d+): [\s\S]*$/, "$1")
      .replace(/[.\s]+$/, "")
  );
}

/** Options are not read yet when this is asked. */
function wantsJson(argv: readonly string[]): boolean {
  return / (-o|--output)[ =]?json /.test(` ${argv.slice(2).join(" ")} `);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
