import { type FormEvent, useState } from "react";
import { type User, UserService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Dialog, FormActions } from "../ui/dialog.tsx";
import { TextField, Toggle } from "../ui/field.tsx";
import { useChange } from "./use-change.ts";

/** Changes how somebody is called, and their rank. */
export function EditUser({ user, open, onClose }: { user: User; open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title={text.users.editTitle(user.username)}>
      <EditForm user={user} onClose={onClose} />
    </Dialog>
  );
}

function EditForm({ user, onClose }: { user: User; onClose: () => void }) {
  const [isStaff, setStaff] = useState(user.isStaff);
  const [isSuperuser, setSuperuser] = useState(user.isSuperuser);
  const update = useChange(UserService.method.updateUser, {
    said: text.users.savedToast(user.username),
    onDone: onClose,
    inForm: true,
  });
  const { wrong } = update;
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    // What was not touched is not sent: somebody else may have changed it since.
    const one = (name: "username" | "email") => {
      const value = String(form.get(name)).trim();
      return value === user[name] ? {} : { [name]: value };
    };
    update.run({
      id: user.id,
      ...one("username"),
      ...one("email"),
      ...(isStaff !== user.isStaff && { isStaff }),
      ...(isSuperuser !== user.isSuperuser && { isSuperuser }),
    });
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={text.users.username}
        name="username"
        required
        autoComplete="off"
        defaultValue={user.username}
        error={wrong["username"]}
      />
      <TextField
        label={text.users.email}
        name="email"
        type="email"
        autoComplete="off"
        defaultValue={user.email}
        error={wrong["email"]}
      />
      <Toggle
        label={text.users.staff}
        hint={text.users.staffHint}
        checked={isStaff}
        onChange={(event) => setStaff(event.currentTarget.checked)}
      />
      <Toggle
        label={text.users.superuser}
        hint={text.users.superuserHint}
        checked={isSuperuser}
        onChange={(event) => setSuperuser(event.currentTarget.checked)}
      />
      <FormActions onCancel={onClose} busy={update.busy} submit={text.common.save} />
    </form>
  );
}
