import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Link, useLocation } from "wouter";
import { type User, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge, StatusBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { Dialog, FormActions } from "../ui/dialog.tsx";
import { TextField, Toggle } from "../ui/field.tsx";
import { Empty, Page } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { Time } from "../ui/time.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { usePages } from "../ui/use-pages.ts";
import { useChange } from "./use-change.ts";

/** Active, disabled, or locked because its password was guessed at. */
export function UserStatus({ user: { isActive, passwordLockedAt } }: { user: User }) {
  if (!isActive)
    return (
      <StatusBadge tone="bad" on={false}>
        {text.users.disabled}
      </StatusBadge>
    );
  if (passwordLockedAt)
    return (
      <StatusBadge tone="warn" on={false}>
        {text.users.locked}
      </StatusBadge>
    );
  return (
    <StatusBadge tone="good" on>
      {text.users.active}
    </StatusBadge>
  );
}

export function Rank({ user: { isStaff, isSuperuser } }: { user: User }) {
  if (isSuperuser) return <Badge tone="accent">{text.users.superuser}</Badge>;
  return isStaff ? <Badge>{text.users.staff}</Badge> : null;
}

const columns: readonly Column<User>[] = [
  {
    id: "username",
    header: text.users.username,
    cell: (user) => (
      <Link href={`/users/${user.id}`} className="font-medium hover:text-accent hover:underline">
        {user.username}
      </Link>
    ),
  },
  {
    id: "email",
    header: text.users.email,
    cell: ({ email }) => email || <span className="text-faint">—</span>,
  },
  { id: "status", header: text.users.status, cell: (user) => <UserStatus user={user} /> },
  { id: "rank", header: text.users.rank, cell: (user) => <Rank user={user} /> },
  {
    id: "roles",
    header: text.users.roles,
    cell: ({ roles }) => (
      <span className="flex flex-wrap gap-1">
        {roles.map((role) => (
          <Badge key={role}>{role}</Badge>
        ))}
      </span>
    ),
  },
  { id: "created", header: text.users.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
  { id: "id", header: text.users.id, align: "right", hidden: true, cell: ({ id }) => String(id) },
];

export function Users() {
  const [query, setQuery] = useFilter("q");
  const [creating, setCreating] = useFilter("new");
  const [, go] = useLocation();
  const { can } = useMe();
  const list = usePages(UserService.method.listUsers, { pageSize: 50, query }, ({ users }) => users);
  const writable = can("auth.users:write");
  const add = writable && (
    <Button look="primary" onClick={() => setCreating("1")}>
      <Plus size={16} aria-hidden="true" />
      {text.users.add}
    </Button>
  );
  return (
    <Page title={text.users.title} description={text.users.description} actions={add}>
      <DataTable
        name={text.users.title}
        columns={columns}
        {...list}
        rowId={({ id }) => String(id)}
        onOpen={({ id }) => go(`/users/${id}`)}
        toolbar={<SearchBox label={text.users.search} value={query} onSearch={setQuery} />}
        empty={
          <Empty title={query ? text.common.nothingMatches : text.users.none}>
            {query && text.common.changeFilters}
          </Empty>
        }
      />
      <CreateUser open={writable && creating !== ""} onClose={() => setCreating("")} />
    </Page>
  );
}

function CreateUser({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title={text.users.add}>
      <UserForm onClose={onClose} />
    </Dialog>
  );
}

function UserForm({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation();
  const [rank, setRank] = useState({ isStaff: false, isSuperuser: false });
  const create = useChange(UserService.method.createUser, {
    said: ({ user }) => text.users.createdToast(user?.username ?? ""),
    onDone: ({ user }) => {
      onClose();
      go(`/users/${user?.id}`);
    },
    inForm: true,
  });
  const { wrong } = create;
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string): string => String(form.get(name) ?? "").trim();
    create.run({
      username: value("username"),
      email: value("email"),
      // As it was typed: blanks at its ends are a part of it.
      password: String(form.get("password") ?? ""),
      ...rank,
    });
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={text.users.username}
        name="username"
        required
        autoComplete="off"
        error={wrong["username"]}
      />
      <TextField
        label={text.users.email}
        name="email"
        type="email"
        autoComplete="off"
        error={wrong["email"]}
      />
      <TextField
        label={text.users.password}
        hint={text.users.passwordHint}
        name="password"
        type="password"
        autoComplete="new-password"
        error={wrong["password"]}
      />
      <Toggle
        label={text.users.staff}
        hint={text.users.staffHint}
        checked={rank.isStaff}
        onChange={(event) => setRank({ ...rank, isStaff: event.currentTarget.checked })}
      />
      <Toggle
        label={text.users.superuser}
        hint={text.users.superuserHint}
        checked={rank.isSuperuser}
        onChange={(event) => setRank({ ...rank, isSuperuser: event.currentTarget.checked })}
      />
      <FormActions onCancel={onClose} busy={create.busy} submit={text.users.create} />
    </form>
  );
}
