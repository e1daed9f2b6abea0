import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { type Tenant, TenantService } from "countersign/descriptors";
import { oneLine, UsageError } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { addGroup, type Named } from "./command.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";
import { tenantColumns, tenantDetails } from "./tenant-text.ts";

const { createTenant, getTenant, listTenants, updateTenant, disableTenant, enableTenant, deleteTenant } =
  TenantService.method;

/** `countersign tenants`: whose users know nothing of each other. */
export function addTenantsCommand(program: Command, named: Named): void {
  const tenants = addGroup(program, named);
  addCreate(tenants);
  addList(tenants);
  addShow(tenants);
  addUpdate(tenants);
  addSwitch(tenants, "disable", "refuse the credentials of all its users, and end their open calls");
  addSwitch(tenants, "enable", "undo disable; users who were disabled by themselves stay so");
  addDelete(tenants);
}

interface NameOptions extends TargetOptions {
  readonly name?: string | undefined;
}

function addCreate(tenants: Command): void {
  addTargetCommand(tenants, {
    usage: "create <id>",
    description: "make a tenant; its id never changes, and is never given again",
    examples: ['tenants create acme --name "Acme Inc."', "users create ada --tenant acme --superuser"],
  })
    .option("--name <name>", "for people; unique (default: the id)")
    .action((id: string, options: NameOptions) =>
      show(options, createTenant, { id, name: options.name ?? "" }),
    );
}

function addList(tenants: Command): void {
  const command = addTargetCommand(tenants, {
    usage: "list",
    description: "tenants, in order of id",
    examples: ["tenants list", "tenants list --all -o json"],
  });
  addPageOptions(command).action((options: PageOptions) =>
    administer(options, async (administration) => {
      await printPages(options, {
        async read(page) {
          const answer = await administration.call(listTenants, page);
          return { rows: answer.tenants, nextPageToken: answer.nextPageToken };
        },
        output: listTenants.output,
        answer: (tenants, nextPageToken) => create(listTenants.output, { tenants, nextPageToken }),
        columns: tenantColumns,
        none: "No tenants.",
      });
    }),
  );
}

function addShow(tenants: Command): void {
  addTargetCommand(tenants, {
    usage: "show <id>",
    description: "one tenant",
    examples: ["tenants show acme", "tenants show acme -o json"],
  }).action((id: string, options: TargetOptions) => show(options, getTenant, { id }));
}

function addUpdate(tenants: Command): void {
  addTargetCommand(tenants, {
    usage: "update <id>",
    description: "change a tenant",
    examples: ['tenants update acme --name "Acme Ltd."'],
  })
    .option("--name <name>", "a new name")
    .action((id: string, options: NameOptions) => {
      const { name } = options;
      if (name === undefined)
        return administer(options, () => Promise.reject(new UsageError("nothing to change: name --name")));
      return show(options, updateTenant, { id, name });
    });
}

type Shown = typeof createTenant | typeof getTenant | typeof updateTenant;

/** Calls a method that answers with the tenant, and prints it. */
function show<M extends Shown>(
  options: TargetOptions,
  method: M,
  request: MessageInitShape<M["input"]>,
): Promise<void> {
  return administer(options, async (administration) => {
    const answer = await administration.call(method as typeof getTenant, request as { id: string });
    if (options.output === "json") return printMessage(getTenant.output, answer);
    print(tenantDetails(answer.tenant));
  });
}

function addSwitch(tenants: Command, name: "disable" | "enable", description: string): void {
  const method = name === "disable" ? disableTenant : enableTenant;
  addTargetCommand(tenants, {
    usage: `${name} <id>`,
    description,
    examples: [`tenants ${name} acme`],
  }).action((id: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(method, { id });
      if (options.output === "json") return printMessage(method.output, answer);
      print(`${name === "disable" ? "Disabled" : "Enabled"} ${titleOf(answer.tenant)}.\n`);
    }),
  );
}

function addDelete(tenants: Command): void {
  addTargetCommand(tenants, {
    usage: "delete <id>",
    description: "remove a tenant that has no users, and its roles",
    examples: ["tenants delete acme"],
  }).action((id: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(deleteTenant, { id });
      if (options.output === "json") return printMessage(deleteTenant.output, answer);
      print(`Deleted the tenant ${id}.\n`);
    }),
  );
}

function titleOf(tenant: Tenant | undefined): string {
  return tenant === undefined ? "the tenant" : `${tenant.id} (${oneLine(tenant.name)})`;
}
