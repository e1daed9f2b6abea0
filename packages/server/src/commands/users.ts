import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { UserService } from "countersign/descriptors";
import { effectivePermissions } from "../administration/effective-permissions.ts";
import { findAccount, findUser } from "../administration/find-user.ts";
import { UsageError } from "../terminal/failure.ts";
import { messageJson, note, print, printJson, printMessage } from "../terminal/output.ts";
import { givenPassword, type PasswordOptions } from "../terminal/read-secret.ts";
import { addGroup, collect, type Named } from "./command.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";
import { userColumns, userDetails } from "./user-text.ts";
import { addAccountCommands } from "./users-account.ts";
import { addIdentityCommands } from "./users-identities.ts";

const { createUser, getUser, listUsers, updateUser } = UserService.method;

/** `countersign users`: accounts. */
export function addUsersCommand(program: Command, named: Named): void {
  const users = addGroup(program, named);
  addCreate(users);
  addList(users);
  addShow(users);
  addUpdate(users);
  addAccountCommands(users);
  addIdentityCommands(users);
}

interface CreateOptions extends TargetOptions, PasswordOptions {
  readonly email?: string | undefined;
  readonly staff?: boolean | undefined;
  readonly superuser?: boolean | undefined;
  readonly role?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
}

function addCreate(users: Command): void {
  addTargetCommand(users, {
    usage: "create <username>",
    description: "make an account; on a store that is not there yet, the store too",
    more: "Without --password-stdin or --password-file it has no password, and cannot log in with one.",
    examples: [
      "users create dora --email dora@example.com --staff",
      "users create root --superuser --password-file ./password",
      "users create ada --tenant acme --role acme/support",
    ],
  })
    .option("--email <address>")
    .option("--staff", "staff: may use what is for staff")
    .option("--superuser", "superuser: may do everything")
    .option("--role <role>", "give it this role; may be there several times", collect)
    .option("--tenant <id>", "the tenant that it belongs to, for good")
    .option("--password-stdin", "read the password from standard input; at a terminal, ask for it")
    .option("--password-file <file>", "read the password from a file")
    .action((username: string, options: CreateOptions) =>
      administer(
        options,
        async (administration) => {
          const { email = "", staff: isStaff = false, superuser: isSuperuser = false, role = [] } = options;
          const password = (await givenPassword(options)) ?? "";
          const account = { username, email, isStaff, isSuperuser, password, roles: [...role] };
          const request = { ...account, tenant: options.tenant ?? "" };
          const answer = await administration.call(createUser, request);
          if (options.output === "json") return printMessage(createUser.output, answer);
          print(userDetails(answer.user));
          if (password === "") note(`It has no password yet: countersign users set-password ${username}`);
        },
        { createStore: true },
      ),
    );
}

interface ListOptions extends PageOptions {
  readonly query?: string | undefined;
  readonly tenant?: string | undefined;
}

function addList(users: Command): void {
  const command = addTargetCommand(users, {
    usage: "list",
    description: "accounts, in order of id",
    examples: ["users list", "users list --query example.com --all -o json"],
  })
    .option("--query <text>", "those with this in their username or email")
    .option("--tenant <id>", 'those of this tenant; "" for those of none');
  addPageOptions(command).action((options: ListOptions) =>
    administer(options, async (administration) => {
      const { query = "", tenant } = options;
      await printPages(options, {
        async read(page) {
          const request = { ...page, query, ...(tenant !== undefined && { tenant }) };
          const answer = await administration.call(listUsers, request);
          return { rows: answer.users, nextPageToken: answer.nextPageToken };
        },
        output: listUsers.output,
        answer: (users, nextPageToken) => create(listUsers.output, { users, nextPageToken }),
        columns: userColumns,
        none: "No users.",
      });
    }),
  );
}

function addShow(users: Command): void {
  addTargetCommand(users, {
    usage: "show <user>",
    description: "one account, its roles and what they allow",
    examples: ["users show alice", "users show id:3 -o json"],
  }).action((name: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const account = await findAccount(administration, name);
      const permissions = await effectivePermissions(administration, account.user.id);
      if (options.output === "json") {
        const answer = messageJson(getUser.output, account);
        return printJson({ ...answer, ...(permissions !== undefined && { permissions }) });
      }
      const { user, hasSecondFactor } = account;
      print(userDetails(user, { permissions, hasSecondFactor }));
    }),
  );
}

interface UpdateOptions extends TargetOptions {
  readonly username?: string | undefined;
  readonly email?: string | undefined;
  readonly staff?: boolean | undefined;
  readonly superuser?: boolean | undefined;
}

function addUpdate(users: Command): void {
  addTargetCommand(users, {
    usage: "update <user>",
    description: "change an account; what is not named stays as it is",
    examples: ["users update alice --email alice@example.com --staff", "users update 3 --no-staff"],
  })
    .option("--username <name>", "a new username")
    .option("--email <address>", 'a new email; "" for none')
    .option("--staff", "make staff")
    .option("--no-staff", "make staff no longer")
    .option("--superuser", "make superuser")
    .option("--no-superuser", "make superuser no longer")
    .action((name: string, options: UpdateOptions) =>
      administer(options, async (administration) => {
        const change = changeOf(options);
        const { id } = await findUser(administration, name);
        const answer = await administration.call(updateUser, { id, ...change });
        if (options.output === "json") return printMessage(updateUser.output, answer);
        print(userDetails(answer.user));
      }),
    );
}

function changeOf({ username, email, staff, superuser }: UpdateOptions) {
  const change = {
    ...(username !== undefined && { username }),
    ...(email !== undefined && { email }),
    ...(staff !== undefined && { isStaff: staff }),
    ...(superuser !== undefined && { isSuperuser: superuser }),
  };
  if (Object.keys(change).length > 0) return change;
  throw new UsageError("nothing to change: name --username, --email, --[no-]staff or --[no-]superuser");
}
