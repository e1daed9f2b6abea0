import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { permissionMessage, RoleService } from "countersign/descriptors";
import { UsageError } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { addGroup, collect, type Named } from "./command.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { roleColumns, roleDetails } from "./role-text.ts";
import { addHolderCommands } from "./roles-holders.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { createRole, getRole, listRoles, updateRole, deleteRole } = RoleService.method;

const language =
  "A permission is a name such as orders:read, or a pattern: orders:* for every action, *:read for every resource, **\nfor everything. '!orders:delete' denies, and beats every grant. Running servers know within a second.";

/** `countersign roles`: named sets of permissions. */
export function addRolesCommand(program: Command, named: Named): void {
  const roles = addGroup(program, named);
  addCreate(roles);
  addList(roles);
  addShow(roles);
  addUpdate(roles);
  addDelete(roles);
  addHolderCommands(roles);
}

interface CreateOptions extends TargetOptions {
  readonly tenant?: string | undefined;
  readonly permission?: readonly string[] | undefined;
  readonly inherit?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

function addCreate(roles: Command): void {
  addTargetCommand(roles, {
    usage: "create <name>",
    description: "make a role",
    more: language,
    examples: [
      "roles create support --permission users:list --permission 'orders:*' --permission '!orders:delete'",
      "roles create lead --inherit support --permission orders:delete",
      "roles create support --tenant acme --permission 'orders:*'",
    ],
  })
    .option("--permission <permission>", "what it allows; may be there several times", collect)
    .option("--inherit <role>", "all that this role allows and denies; may be there several times", collect)
    .option("--description <text>")
    .option("--tenant <id>", "a role of this tenant alone, which is called TENANT/NAME")
    .action((name: string, options: CreateOptions) =>
      administer(options, async (administration) => {
        const { permission = [], inherit = [], description = "", tenant = "" } = options;
        const permissions = permission.map(permissionMessage);
        const request = { name, permissions, inherits: [...inherit], description, tenant };
        const answer = await administration.call(createRole, request);
        if (options.output === "json") return printMessage(createRole.output, answer);
        print(roleDetails(answer.role));
      }),
    );
}

function addList(roles: Command): void {
  const command = addTargetCommand(roles, {
    usage: "list",
    description: "roles, in order of name",
    examples: ["roles list", "roles list --all -o json"],
  });
  addPageOptions(command).action((options: PageOptions) =>
    administer(options, async (administration) => {
      await printPages(options, {
        async read(page) {
          const answer = await administration.call(listRoles, page);
          return { rows: answer.roles, nextPageToken: answer.nextPageToken };
        },
        output: listRoles.output,
        answer: (roles, nextPageToken) => create(listRoles.output, { roles, nextPageToken }),
        columns: roleColumns,
        none: "No roles.",
      });
    }),
  );
}

function addShow(roles: Command): void {
  addTargetCommand(roles, {
    usage: "show <name>",
    description: "one role",
    examples: ["roles show viewer", "roles show viewer -o json"],
  }).action((name: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(getRole, { name });
      if (options.output === "json") return printMessage(getRole.output, answer);
      print(roleDetails(answer.role));
    }),
  );
}

interface UpdateOptions extends TargetOptions {
  readonly addPermission?: readonly string[] | undefined;
  readonly removePermission?: readonly string[] | undefined;
  readonly addInherit?: readonly string[] | undefined;
  readonly removeInherit?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

function addUpdate(roles: Command): void {
  addTargetCommand(roles, {
    usage: "update <name>",
    description: "change a role; what is not named stays as it is",
    more: language,
    examples: [
      "roles update support --add-permission refunds:read --remove-permission users:list",
      "roles update support --add-inherit viewer",
    ],
  })
    .option("--add-permission <permission>", "may be there several times", collect)
    .option("--remove-permission <permission>", "may be there several times", collect)
    .option("--add-inherit <role>", "may be there several times", collect)
    .option("--remove-inherit <role>", "may be there several times", collect)
    .option("--description <text>")
    .action((name: string, options: UpdateOptions) =>
      administer(options, async (administration) => {
        const answer = await administration.call(updateRole, { name, ...changeOf(options) });
        if (options.output === "json") return printMessage(updateRole.output, answer);
        print(roleDetails(answer.role));
      }),
    );
}

function changeOf(options: UpdateOptions) {
  const { addPermission = [], removePermission = [], addInherit = [], removeInherit = [] } = options;
  const { description } = options;
  const named = [addPermission, removePermission, addInherit, removeInherit].some(({ length }) => length > 0);
  if (!named && description === undefined) {
    throw new UsageError(
      "nothing to change: name --add-permission, --remove-permission, --add-inherit, --remove-inherit or --description",
    );
  }
  return {
    addPermissions: addPermission.map(permissionMessage),
    removePermissions: removePermission.map(permissionMessage),
    addInherits: [...addInherit],
    removeInherits: [...removeInherit],
    ...(description !== undefined && { description }),
  };
}

interface DeleteOptions extends TargetOptions {
  readonly force?: boolean | undefined;
}

function addDelete(roles: Command): void {
  addTargetCommand(roles, {
    usage: "delete <name>",
    description: "remove a role that nobody has",
    examples: ["roles delete support", "roles delete support --force"],
  })
    .option("--force", "take it from users and roles; keys that are limited to it lose what it gave them")
    .action((name: string, options: DeleteOptions) =>
      administer(options, async (administration) => {
        const answer = await administration.call(deleteRole, { name, force: options.force ?? false });
        if (options.output === "json") return printMessage(deleteRole.output, answer);
        print(`Deleted the role ${name}.\n`);
      }),
    );
}
