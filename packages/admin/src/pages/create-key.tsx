import { type FormEvent, useEffect, useState } from "react";
import { ApiKeyService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { FormActions } from "../ui/dialog.tsx";
import { Field, TextField } from "../ui/field.tsx";
import { focusFirstWrong } from "../ui/focus-wrong.ts";
import { Select } from "../ui/select.tsx";
import { tellError } from "../ui/toasts.tsx";
import { LimitFields, ScopesField } from "./key-fields.tsx";
import { expiryOf, lifetimes, limitsOf, words } from "./key-form.ts";
import { type MadeKey, MadeKeyDialog } from "./made-key-dialog.tsx";
import { useChange } from "./use-change.ts";
import { useUsername } from "./use-username.ts";
import { UsernameField } from "./username-field.tsx";

export const keyTypes = ["service", "cli", "webhook", "internal", "development"] as const;

/** Asks for all that a key is, and shows it once. */
export function CreateKey({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <MadeKeyDialog open={open} onClose={onClose} title={text.keys.add}>
      {(onMade) => <KeyForm onMade={onMade} onCancel={onClose} />}
    </MadeKeyDialog>
  );
}

function KeyForm({ onMade, onCancel }: { onMade: (made: MadeKey) => void; onCancel: () => void }) {
  const { user } = useMe();
  const find = useUsername();
  const [type, setType] = useState<string>("service");
  const [days, setDays] = useState<string>("90");
  const [unknownUser, setUnknownUser] = useState(false);
  const [finding, setFinding] = useState(false);
  const create = useChange(ApiKeyService.method.createApiKey, {
    said: ({ apiKey }) => text.keys.createdToast(apiKey?.name ?? ""),
    onDone: onMade,
    inForm: true,
  });
  const { wrong } = create;
  useEffect(() => {
    if (unknownUser && !finding) focusFirstWrong();
  }, [unknownUser, finding]);
  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string): string => String(form.get(name) ?? "").trim();
    setFinding(true);
    const owner = await find(value("user")).catch((error: unknown) => {
      tellError(error);
      return null;
    });
    setFinding(false);
    setUnknownUser(owner === undefined);
    if (owner === undefined || owner === null) return;
    const expiresAt = expiryOf(days);
    create.run({
      name: value("name"),
      description: value("description"),
      userId: owner,
      type,
      ...(expiresAt && { expiresAt }),
      scopes: words(form.get("scopes")),
      addressRanges: words(form.get("address_ranges")),
      methods: words(form.get("methods")),
      limits: limitsOf(form.get("limits")),
      tags: words(form.get("tags")),
    });
  }
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <TextField
        label={text.keys.name}
        hint={text.keys.nameHint}
        name="name"
        required
        autoComplete="off"
        error={wrong["name"]}
      />
      <UsernameField
        label={text.keys.user}
        name="user"
        required
        defaultValue={user?.username}
        error={unknownUser ? text.keys.unknownUser : wrong["user_id"]}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={text.keys.type} error={wrong["type"]}>
          {(ids) => (
            <Select
              {...ids}
              label={text.keys.type}
              value={type}
              onChoose={setType}
              choices={keyTypes.map((value) => ({ value, label: text.keys.types[value] }))}
            />
          )}
        </Field>
        <Field label={text.keys.expiration} error={wrong["expires_at"]}>
          {(ids) => (
            <Select
              {...ids}
              label={text.keys.expiration}
              value={days}
              onChoose={setDays}
              choices={lifetimes}
            />
          )}
        </Field>
      </div>
      <ScopesField wrong={wrong} />
      <details className="group">
        <summary className="cursor-pointer font-medium text-soft hover:text-ink">
          {text.keys.moreOptions}
        </summary>
        <div className="mt-4 flex flex-col gap-4">
          <LimitFields wrong={wrong} />
        </div>
      </details>
      <FormActions onCancel={onCancel} busy={finding || create.busy} submit={text.keys.create} />
    </form>
  );
}
