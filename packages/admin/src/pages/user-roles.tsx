import { useQuery } from "@connectrpc/connect-query";
import { RoleService, type User } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Code } from "../ui/copy.tsx";
import { Panel } from "../ui/page.tsx";
import { Select } from "../ui/select.tsx";
import { permissionText } from "./permission-text.ts";
import { useChange } from "./use-change.ts";

/** Roles by assignment, and what all of them together allow. */
export function UserRoles({ user }: { user: User }) {
  const { can } = useMe();
  const assign = useChange(RoleService.method.assignRole, { said: text.users.assignedToast(user.username) });
  const unassign = useChange(RoleService.method.unassignRole, {
    said: text.users.unassignedToast(user.username),
  });
  const all = useQuery(RoleService.method.listRoles, { pageSize: 1000 });
  const effective = useQuery(RoleService.method.listUserPermissions, { userId: user.id });
  const writable = can("auth.roles:write");
  const others = (all.data?.roles ?? []).filter(({ name }) => !user.roles.includes(name));
  return (
    <Panel
      title={text.users.roles}
      actions={
        writable &&
        others.length > 0 && (
          <Select
            label={text.users.assign}
            value=""
            choices={[
              { value: "", label: text.users.assign },
              ...others.map(({ name }) => ({ value: name, label: name })),
            ]}
            onChoose={(role) => role && assign.run({ userId: user.id, role })}
          />
        )
      }
    >
      {user.roles.length === 0 && <p className="text-soft">{text.users.noRoles}</p>}
      <ul className="flex flex-wrap gap-1.5">
        {user.roles.map((role) => (
          <li key={role} className="flex items-center gap-1">
            <Badge tone="accent">{role}</Badge>
            {writable && (
              <button
                type="button"
                className="cursor-pointer text-faint hover:text-bad"
                aria-label={text.users.unassign(role)}
                onClick={() => unassign.run({ userId: user.id, role })}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <h3 className="mb-2 mt-5 text-[13px] font-medium text-soft">{text.users.effective}</h3>
      {effective.data?.isSuperuser && <p>{text.users.everything}</p>}
      {effective.data && !effective.data.isSuperuser && effective.data.permissions.length === 0 && (
        <p className="text-soft">{text.users.noPermissions}</p>
      )}
      <ul className="flex flex-col gap-1">
        {effective.data?.permissions.map(({ permission, role, through }) => {
          const name = permission ? permissionText(permission) : "";
          return (
            <li
              key={`${name} ${role} ${through}`}
              className="flex flex-wrap items-baseline justify-between gap-x-4"
            >
              <Code>{name}</Code>
              <span className="text-[13px] text-faint">{text.users.from(role, through)}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
