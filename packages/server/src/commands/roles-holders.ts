import type { Command } from "commander";
import { RoleService } from "countersign/descriptors";
import { findUser } from "../administration/find-user.ts";
import { oneLine } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { assignRole, unassignRole } = RoleService.method;

interface HolderOptions extends TargetOptions {
  readonly user: string;
}

/** `roles assign` and `roles unassign`. */
export function addHolderCommands(roles: Command): void {
  addHolder(roles, "assign", "give a user a role; it counts from the next call on, with no new token");
  addHolder(roles, "unassign", "take a role from a user");
}

function addHolder(roles: Command, name: "assign" | "unassign", description: string): void {
  const method = name === "assign" ? assignRole : unassignRole;
  addTargetCommand(roles, {
    usage: `${name} <name>`,
    description,
    examples: [`roles ${name} support --user alice`],
  })
    .requiredOption("--user <user>", "username, id or email")
    .action((role: string, options: HolderOptions) =>
      administer(options, async (administration) => {
        const user = await findUser(administration, options.user);
        const answer = await administration.call(method, { userId: user.id, role });
        if (options.output === "json") return printMessage(method.output, answer);
        const names = answer.userRoles?.roleNames.join(", ") || "no roles";
        print(`${oneLine(user.username)} (id ${user.id}) has ${names}.\n`);
      }),
    );
}
