import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { type User, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Dialog, FormActions } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { EditUser } from "./edit-user.tsx";
import { foreseen, useChange } from "./use-change.ts";

export interface AccountProps {
  readonly user: User;
  readonly hasSecondFactor: boolean;
}

type Asked = "disable" | "delete" | "edit" | "password" | "factor" | undefined;

/** What can be done with an account: what cannot be taken back is asked about first. */
export function UserActions({ user, hasSecondFactor }: AccountProps) {
  const { can, userId } = useMe();
  const [asked, setAsked] = useState<Asked>();
  const enable = useChange(UserService.method.enableUser, {
    said: text.users.enabledToast(user.username),
    foreseen: activeUser(user, true),
  });
  if (!can("auth.users:write")) return null;
  const { id } = user;
  const close = (): void => setAsked(undefined);
  return (
    <>
      <Button onClick={() => setAsked("edit")}>{text.users.edit}</Button>
      <Button onClick={() => setAsked("password")}>{text.users.setPassword}</Button>
      {hasSecondFactor && String(id) !== userId && (
        <Button onClick={() => setAsked("factor")}>{text.users.resetFactor}</Button>
      )}
      {user.isActive && !user.passwordLockedAt ? (
        <Button onClick={() => setAsked("disable")}>{text.users.disable}</Button>
      ) : (
        <Button busy={enable.busy} onClick={() => enable.run({ id })}>
          {text.users.enable}
        </Button>
      )}
      <Button onClick={() => setAsked("delete")}>{text.users.delete}</Button>
      <EditUser user={user} open={asked === "edit"} onClose={close} />
      <SetPassword user={user} open={asked === "password"} onClose={close} />
      <Disable user={user} open={asked === "disable"} onClose={close} />
      <Delete user={user} open={asked === "delete"} onClose={close} />
      <ResetFactor user={user} open={asked === "factor"} onClose={close} />
    </>
  );
}

interface AskedProps {
  readonly user: User;
  readonly open: boolean;
  readonly onClose: () => void;
}

/** The account on the page as it is when it was disabled, or enabled. */
function activeUser({ id }: User, isActive: boolean) {
  return foreseen(UserService.method.getUser, { selector: { case: "id", value: id } }, (before) => ({
    ...before,
    ...(before.user && { user: { ...before.user, isActive } }),
  }));
}

function Disable({ user, open, onClose }: AskedProps) {
  const disable = useChange(UserService.method.disableUser, {
    said: text.users.disabledToast(user.username),
    foreseen: activeUser(user, false),
  });
  return (
    <Confirm
      {...{ open, onClose, busy: disable.busy }}
      title={text.users.disableTitle(user.username)}
      action={text.users.disable}
      onConfirm={() => {
        onClose();
        disable.run({ id: user.id });
      }}
    >
      {text.users.disableText}
    </Confirm>
  );
}

function Delete({ user, open, onClose }: AskedProps) {
  const [, go] = useLocation();
  const remove = useChange(UserService.method.deleteUser, {
    said: text.users.deletedToast(user.username),
    onDone: () => go("/users"),
  });
  return (
    <Confirm
      {...{ open, onClose, busy: remove.busy }}
      title={text.users.deleteTitle(user.username)}
      action={text.users.delete}
      onConfirm={() => remove.run({ id: user.id })}
    >
      {text.users.deleteText}
    </Confirm>
  );
}

function ResetFactor({ user, open, onClose }: AskedProps) {
  const reset = useChange(UserService.method.resetSecondFactor, {
    said: text.users.factorToast(user.username),
    onDone: onClose,
  });
  return (
    <Confirm
      {...{ open, onClose, busy: reset.busy }}
      title={text.users.resetFactorTitle(user.username)}
      action={text.users.resetFactor}
      onConfirm={() => reset.run({ id: user.id })}
    >
      {text.users.resetFactorText}
    </Confirm>
  );
}

function SetPassword({ user, open, onClose }: AskedProps) {
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
