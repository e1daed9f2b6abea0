import { useQuery } from "@connectrpc/connect-query";
import { ArrowLeft } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { RoleService, type User, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Code } from "../ui/copy.tsx";
import { Dialog, FormActions } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Fact, Facts, Failed, Loading, Page, Panel } from "../ui/page.tsx";
import { Select } from "../ui/select.tsx";
import { Time } from "../ui/time.tsx";
import { EditUser } from "./edit-user.tsx";
import { permissionText } from "./permission-text.ts";
import { SessionTable } from "./session-table.tsx";
import { useChange } from "./use-change.ts";
import { Rank, UserStatus } from "./users.tsx";

export function UserPage() {
  const { id = "" } = useParams();
  const query = useQuery(UserService.method.getUser, {
    selector: { case: "id", value: /^\d+$/.test(id) ? BigInt(id) : 0n },
  });
  const user = query.data?.user;
  return (
    <Page
      title={user?.username ?? text.users.one}
      description={
        <Link href="/users" className="inline-flex items-center gap-1 hover:text-accent">
          <ArrowLeft size={14} aria-hidden="true" />
          {text.users.title}
        </Link>
      }
      actions={user && <Actions user={user} />}
    >
      {query.error && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading />}
      {user && (
        <>
          <div className="grid gap-5 lg:grid-cols-2">
            <Account user={user} />
            <Roles user={user} />
          </div>
          <SessionTable userId={user.id} />
        </>
      )}
    </Page>
  );
}

function Account({ user }: { user: User }) {
  return (
    <Panel title={text.users.account}>
      <Facts>
        <Fact name={text.users.status}>
          <span className="flex flex-wrap gap-1.5">
            <UserStatus user={user} />
            <Rank user={user} />
          </span>
        </Fact>
        <Fact name={text.users.email}>{user.email || "—"}</Fact>
        <Fact name={text.users.id}>
          <Code>{String(user.id)}</Code>
        </Fact>
        <Fact name={text.users.created}>
          <Time at={user.createdAt} />
        </Fact>
        <Fact name={text.users.changed}>
          <Time at={user.updatedAt} />
        </Fact>
        {user.passwordLockedAt && (
          <Fact name={text.users.locked}>
            <Time at={user.passwordLockedAt} />
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

type Asked = "disable" | "delete" | "edit" | "password" | undefined;

/** What can be done with an account: what cannot be taken back is asked about first. */
function Actions({ user }: { user: User }) {
  const { can } = useMe();
  const [asked, setAsked] = useState<Asked>();
  const [, go] = useLocation();
  const onDone = (): void => setAsked(undefined);
  const disable = useChange(UserService.method.disableUser, {
    said: text.users.disabledToast(user.username),
    onDone,
  });
  const enable = useChange(UserService.method.enableUser, { said: text.users.enabledToast(user.username) });
  const remove = useChange(UserService.method.deleteUser, {
    said: text.users.deletedToast(user.username),
    onDone: () => go("/users"),
  });
  if (!can("auth.users:write")) return null;
  const { id } = user;
  return (
    <>
      <Button onClick={() => setAsked("edit")}>{text.users.edit}</Button>
      <Button onClick={() => setAsked("password")}>{text.users.setPassword}</Button>
      {user.isActive && !user.passwordLockedAt ? (
        <Button onClick={() => setAsked("disable")}>{text.users.disable}</Button>
      ) : (
        <Button busy={enable.busy} onClick={() => enable.run({ id })}>
          {text.users.enable}
        </Button>
      )}
      <Button onClick={() => setAsked("delete")}>{text.users.delete}</Button>
      <EditUser user={user} open={asked === "edit"} onClose={onDone} />
      <SetPassword user={user} open={asked === "password"} onClose={() => setAsked(undefined)} />
      <Confirm
        open={asked === "disable"}
        onClose={() => setAsked(undefined)}
        title={text.users.disableTitle(user.username)}
        action={text.users.disable}
        busy={disable.busy}
        onConfirm={() => disable.run({ id })}
      >
        {text.users.disableText}
      </Confirm>
      <Confirm
        open={asked === "delete"}
        onClose={() => setAsked(undefined)}
        title={text.users.deleteTitle(user.username)}
        action={text.users.delete}
        busy={remove.busy}
        onConfirm={() => remove.run({ id })}
      >
        {text.users.deleteText}
      </Confirm>
    </>
  );
}

function SetPassword({ user, open, onClose }: { user: User; open: boolean; onClose: () => void }) {
  const set = useChange(UserService.method.setPassword, {
    said: text.users.passwordToast(user.username),
    onDone: onClose,
    inForm: true,
  });
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    set.run({ id: user.id, password: String(new FormData(event.currentTarget).get("password")) });
  }
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={text.users.setPasswordTitle(user.username)}
      description={text.users.setPasswordText}
    >
      <form onSubmit={submit}>
        <TextField
          label={text.users.newPassword}
          hint={text.users.passwordRule}
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          error={set.wrong["password"]}
        />
        <FormActions onCancel={onClose} busy={set.busy} submit={text.users.setPassword} />
      </form>
    </Dialog>
  );
}

/** Roles by assignment, and what all of them together allow. */
function Roles({ user }: { user: User }) {
  const { can } = useMe();
  const assign = useChange(RoleService.method.assignRole);
  const unassign = useChange(RoleService.method.unassignRole);
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
