import type { Command } from "commander";
import { type User, UserService } from "countersign/descriptors";
import { findUser } from "../administration/find-user.ts";
import { CommandFailure, oneLine, UsageError } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { ask, isInteractive } from "../terminal/prompt.ts";
import { askNewPassword, givenPassword } from "../terminal/read-secret.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { disableUser, enableUser, deleteUser, setPassword, resetSecondFactor } = UserService.method;

/** What is done to an account as a whole: `disable`, `enable`, `delete`, `set-password` and `reset-second-factor`. */
export function addAccountCommands(users: Command): void {
  addSwitch(
    users,
    "disable",
    "refuse an account's keys and tokens, and end its open calls; nothing is erased",
  );
  addSwitch(users, "enable", "undo disable, and the lock of a password that was guessed at too often");
  addDelete(users);
  addSetPassword(users);
  addResetSecondFactor(users);
}

function addSwitch(users: Command, name: "disable" | "enable", description: string): void {
  const method = name === "disable" ? disableUser : enableUser;
  addTargetCommand(users, { usage: `${name} <user>`, description, examples: [`users ${name} alice`] }).action(
    (user: string, options: TargetOptions) =>
      administer(options, async (administration) => {
        const { id } = await findUser(administration, user);
        const answer = await administration.call(method, { id });
        if (options.output === "json") return printMessage(method.output, answer);
        print(`${name === "disable" ? "Disabled" : "Enabled"} ${titleOf(answer.user)}.\n`);
      }),
  );
}

interface ConfirmedOptions extends TargetOptions {
  readonly yes?: boolean | undefined;
}

function addDelete(users: Command): void {
  addTargetCommand(users, {
    usage: "delete <user>",
    description: "remove an account and revoke its keys",
    examples: ["users delete alice", "users delete alice --yes"],
  })
    .option("--yes", "do not ask; needed where there is no terminal")
    .action((name: string, options: ConfirmedOptions) =>
      administer(options, async (administration) => {
        requireTerminal("delete", options);
        const user = await findUser(administration, name);
        if (!options.yes) await confirm(`Delete ${titleOf(user)} and revoke the keys of this account?`);
        const answer = await administration.call(deleteUser, { id: user.id });
        if (options.output === "json") return printMessage(deleteUser.output, answer);
        print(`Deleted ${titleOf(user)}.\n`);
      }),
    );
}

interface SetPasswordOptions extends TargetOptions {
  readonly passwordFile?: string | undefined;
}

function addSetPassword(users: Command): void {
  addTargetCommand(users, {
    usage: "set-password <user>",
    description: "give an account a new password",
    more: "The password is asked for at a terminal, without showing it; otherwise it is all of standard input.",
    examples: [
      "users set-password alice",
      "users set-password alice --password-file ./password",
      "users set-password alice < ./password",
    ],
  })
    .option("--password-stdin", "read it from standard input, as without this where there is no terminal")
    .option("--password-file <file>", "read it from a file")
    .action((name: string, options: SetPasswordOptions) =>
      administer(options, async (administration) => {
        const user = await findUser(administration, name);
        const { passwordFile } = options;
        const given = passwordFile === undefined && isInteractive() ? await askNewPassword() : undefined;
        const password =
          given ?? (await givenPassword({ passwordFile, passwordStdin: passwordFile === undefined }));
        const answer = await administration.call(setPassword, { id: user.id, password: password ?? "" });
        if (options.output === "json") return printMessage(setPassword.output, answer);
        print(`${titleOf(user)} has a new password.\n`);
      }),
    );
}

function addResetSecondFactor(users: Command): void {
  addTargetCommand(users, {
    usage: "reset-second-factor <user>",
    description: "take off the second factor of who has lost it, and end the account's sessions",
    more: "From then on the password alone lets in, until another second factor is enrolled: make sure who asks for it.",
    examples: ["users reset-second-factor alice", "users reset-second-factor alice --yes"],
  })
    .option("--yes", "do not ask; needed where there is no terminal")
    .action((name: string, options: ConfirmedOptions) =>
      administer(options, async (administration) => {
        requireTerminal("reset-second-factor", options);
        const user = await findUser(administration, name);
        if (!options.yes) await confirm(`Take off the second factor of ${titleOf(user)}?`);
        const answer = await administration.call(resetSecondFactor, { id: user.id });
        if (options.output === "json") return printMessage(resetSecondFactor.output, answer);
        print(`${titleOf(user)} has no second factor any more.\n`);
      }),
    );
}

function requireTerminal(command: string, { yes }: ConfirmedOptions): void {
  if (yes || isInteractive()) return;
  throw new UsageError(
    `${command} asks first, and there is no terminal to ask at: if it is meant, add --yes`,
  );
}

async function confirm(question: string): Promise<void> {
  const answer = await ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new CommandFailure("CANCELLED", "not confirmed; nothing was changed");
}

function titleOf(user: User | undefined): string {
  return user === undefined ? "the account" : `${oneLine(user.username)} (id ${user.id})`;
}
