import type { Command } from "commander";
import { type Identity, UserService } from "countersign/descriptors";
import { findUser } from "../administration/find-user.ts";
import { oneLine } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { type Column, table } from "../terminal/table.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { listIdentities, linkIdentity, unlinkIdentity } = UserService.method;

const columns: readonly Column<Identity>[] = [
  ["ISSUER", ({ issuer }) => issuer],
  ["SUBJECT", ({ subject }) => subject],
];

/** Who accounts are at other issuers: `identities`, `link` and `unlink`. */
export function addIdentityCommands(users: Command): void {
  addTargetCommand(users, {
    usage: "identities <user>",
    description: "who an account is at other issuers",
    examples: ["users identities alice"],
  }).action((name: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const { id } = await findUser(administration, name);
      const answer = await administration.call(listIdentities, { userId: id });
      if (options.output === "json") return printMessage(listIdentities.output, answer);
      print(table(columns, answer.identities, "No identities."));
    }),
  );
  addLink(users);
  addUnlink(users);
}

interface IdentityOptions extends TargetOptions {
  readonly issuer: string;
  readonly subject: string;
}

function addLink(users: Command): void {
  const command = addTargetCommand(users, {
    usage: "link <user>",
    description: "let the tokens of another issuer stand for an account",
    more: "The issuer and the subject are iss and sub of its tokens; auth.issuers names the issuers that are accepted.",
    examples: ["users link alice --issuer https://accounts.google.com --subject 110169484474386276334"],
  });
  addIdentity(command).action((name: string, options: IdentityOptions) =>
    administer(options, async (administration) => {
      const { id, username } = await findUser(administration, name);
      const { issuer, subject } = options;
      const answer = await administration.call(linkIdentity, { userId: id, issuer, subject });
      if (options.output === "json") return printMessage(linkIdentity.output, answer);
      print(`${titleOf(options)} is ${oneLine(username)} (id ${id}) from now on.\n`);
    }),
  );
}

function addUnlink(users: Command): void {
  const command = addTargetCommand(users, {
    usage: "unlink",
    description: "refuse the tokens of an identity; no account is made for it again, and none is removed",
    examples: ["users unlink --issuer https://accounts.google.com --subject 110169484474386276334"],
  });
  addIdentity(command).action((options: IdentityOptions) =>
    administer(options, async (administration) => {
      const { issuer, subject } = options;
      const answer = await administration.call(unlinkIdentity, { issuer, subject });
      if (options.output === "json") return printMessage(unlinkIdentity.output, answer);
      print(`${titleOf(options)} stands for nobody from now on.\n`);
    }),
  );
}

function addIdentity(command: Command): Command {
  return command
    .requiredOption("--issuer <url>", "iss of its tokens")
    .requiredOption("--subject <id>", "sub of its tokens");
}

function titleOf({ issuer, subject }: IdentityOptions): string {
  return `${oneLine(subject)} of ${oneLine(issuer)}`;
}
