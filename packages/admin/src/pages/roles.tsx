import { useQuery } from "@connectrpc/connect-query";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Role, RoleService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { Dialog, FormActions } from "../ui/dialog.tsx";
import { Field, TextField } from "../ui/field.tsx";
import { Empty, Page } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { PermissionMatrix } from "./permission-matrix.tsx";
import { permissionText, readPermission } from "./permission-text.ts";
import { useChange } from "./use-change.ts";

export function Roles() {
  const { can } = useMe();
  const [creating, setCreating] = useFilter("new");
  const [editing, setEditing] = useState<Role>();
  const [deleting, setDeleting] = useState<Role>();
  const query = useQuery(RoleService.method.listRoles, { pageSize: 1000 });
  const remove = useChange(RoleService.method.deleteRole, {
    said: text.roles.deletedToast(deleting?.name ?? ""),
    onDone: () => setDeleting(undefined),
  });
  const writable = can("auth.roles:write");
  const actions: Column<Role> = {
    id: "actions",
    header: text.common.actions,
    align: "right",
    cell: (role) =>
      !role.builtIn && (
        <span className="inline-flex gap-1.5">
          <Button size="small" onClick={() => setEditing(role)}>
            {text.roles.edit}
          </Button>
          <Button size="small" onClick={() => setDeleting(role)}>
            {text.roles.delete}
          </Button>
        </span>
      ),
  };
  return (
    <Page
      title={text.roles.title}
      description={text.roles.description}
      actions={
        writable && (
          <Button look="primary" onClick={() => setCreating("1")}>
            <Plus size={16} aria-hidden="true" />
            {text.roles.add}
          </Button>
        )
      }
    >
      <DataTable
        name={text.roles.title}
        columns={writable ? [...columns, actions] : columns}
        rows={query.data?.roles}
        error={query.data === undefined ? query.error : null}
        onRetry={() => void query.refetch()}
        rowId={({ name }) => name}
        toolbar={<h2 className="px-2 font-semibold">{text.roles.title}</h2>}
        empty={<Empty title={text.roles.none} />}
      />
      {query.data && <PermissionMatrix roles={query.data.roles} />}
      <RoleDialog open={writable && creating !== ""} onClose={() => setCreating("")} />
      <RoleDialog role={editing} open={editing !== undefined} onClose={() => setEditing(undefined)} />
      <Confirm
        open={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={text.roles.deleteTitle(deleting?.name ?? "")}
        action={text.roles.delete}
        busy={remove.busy}
        onConfirm={() => deleting && remove.run({ name: deleting.name, force: true })}
      >
        {text.roles.deleteText}
      </Confirm>
    </Page>
  );
}

const columns: readonly Column<Role>[] = [
  {
    id: "name",
    header: text.roles.name,
    cell: ({ name, builtIn }) => (
      <span className="flex items-center gap-2 whitespace-nowrap font-medium">
        {name}
        {builtIn && <Badge>{text.roles.builtIn}</Badge>}
      </span>
    ),
  },
  {
    id: "description",
    header: text.roles.descriptionField,
    cell: ({ description }) => <span className="block min-w-[22ch]">{description || "—"}</span>,
  },
  {
    id: "permissions",
    header: text.roles.permissions,
    cell: ({ permissions }) => (
      <span className="flex flex-wrap gap-1">
        {permissions.map((permission) => (
          <Badge key={permissionText(permission)} tone={permission.deny ? "bad" : "plain"}>
            <Code>{permissionText(permission)}</Code>
          </Badge>
        ))}
      </span>
    ),
  },
  { id: "inherits", header: text.roles.inherits, cell: ({ inherits }) => inherits.join(", ") || "—" },
  {
    id: "changed",
    header: text.roles.changed,
    hidden: true,
    cell: ({ updatedAt }) => <Time at={updatedAt} />,
  },
];

const lines = (value: FormDataEntryValue | null): string[] =>
  String(value ?? "")
    .split(/[\s,]+/)
    .filter(Boolean);

interface RoleFormProps {
  readonly role?: Role | undefined;
  readonly onClose: () => void;
}

/** Makes a role, or changes one. */
function RoleDialog({ role, open, onClose }: RoleFormProps & { open: boolean }) {
  return (
    <Dialog open={open} onClose={onClose} title={role ? text.roles.editTitle(role.name) : text.roles.add}>
      <RoleForm role={role} onClose={onClose} />
    </Dialog>
  );
}

function RoleForm({ role, onClose }: RoleFormProps) {
  const done = { said: text.roles.savedToast, onDone: onClose, inForm: true };
  const create = useChange(RoleService.method.createRole, done);
  const update = useChange(RoleService.method.updateRole, done);
  const { wrong } = role === undefined ? create : update;
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const permissions = lines(form.get("permissions"));
    const inherits = lines(form.get("inherits"));
    const description = String(form.get("description") ?? "");
    if (role === undefined) {
      const name = String(form.get("name") ?? "").trim();
      create.run({ name, description, inherits, permissions: permissions.map(readPermission) });
      return;
    }
    const before = role.permissions.map(permissionText);
    update.run({
      name: role.name,
      description,
      addPermissions: permissions.filter((one) => !before.includes(one)).map(readPermission),
      removePermissions: before.filter((one) => !permissions.includes(one)).map(readPermission),
      addInherits: inherits.filter((one) => !role.inherits.includes(one)),
      removeInherits: role.inherits.filter((one) => !inherits.includes(one)),
    });
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {!role && (
        <TextField label={text.roles.name} name="name" required autoComplete="off" error={wrong["name"]} />
      )}
      <TextField
        label={text.roles.descriptionField}
        name="description"
        defaultValue={role?.description}
        error={wrong["description"]}
      />
      <Field label={text.roles.permissions} hint={text.roles.permissionsHint} error={wrong["permissions"]}>
        {(ids) => (
          <textarea
            {...ids}
            name="permissions"
            rows={6}
            spellCheck={false}
            defaultValue={role?.permissions.map(permissionText).join("\n")}
            className="control h-auto w-full py-2 font-mono text-[13px]"
          />
        )}
      </Field>
      <TextField
        label={text.roles.inherits}
        hint={text.roles.inheritsHint}
        name="inherits"
        defaultValue={role?.inherits.join(", ")}
        error={wrong["inherits"]}
      />
      <FormActions onCancel={onClose} busy={create.busy || update.busy} submit={text.common.save} />
    </form>
  );
}
