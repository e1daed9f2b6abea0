import { type FormEvent, useState } from "react";
import { type ApiKey, ApiKeyService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Dialog, FormActions } from "../ui/dialog.tsx";
import { Field, TextField } from "../ui/field.tsx";
import { Select } from "../ui/select.tsx";
import { LimitFields, ScopesField } from "./key-fields.tsx";
import { expiryOf, lifetimes, limitsOf, limitText, words } from "./key-form.ts";
import { useChange } from "./use-change.ts";

/** Changes what a key is called and what it may do; the key itself stays. */
export function EditKey({ apiKey, open, onClose }: { apiKey: ApiKey; open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title={text.keys.editTitle}>
      <EditForm apiKey={apiKey} onClose={onClose} />
    </Dialog>
  );
}

const keep = "keep";

function EditForm({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const [days, setDays] = useState<string>(keep);
  const update = useChange(ApiKeyService.method.updateApiKey, {
    said: text.keys.saved,
    onDone: onClose,
    inForm: true,
  });
  const { wrong } = update;
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const expiresAt = days === keep ? undefined : expiryOf(days);
    // What was not touched is not sent: somebody else may have changed it since.
    const one = (name: "name" | "description") => {
      const value = String(form.get(name)).trim();
      return value === apiKey[name] ? {} : { [name]: value };
    };
    const list = (member: "scopes" | "addressRanges" | "methods" | "tags", name: string) => {
      const values = words(form.get(name));
      return values.join() === apiKey[member].join() ? {} : { [member]: { values } };
    };
    const limits = limitsOf(form.get("limits"));
    const isSame = limitText(limits) === limitText(apiKey.limits);
    update.run({
      id: apiKey.id,
      ...one("name"),
      ...one("description"),
      ...list("scopes", "scopes"),
      ...list("addressRanges", "address_ranges"),
      ...list("methods", "methods"),
      ...list("tags", "tags"),
      ...(!isSame && { limits: { values: limits } }),
      neverExpires: days === "",
      ...(expiresAt && { expiresAt }),
    });
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={text.keys.name}
        name="name"
        required
        autoComplete="off"
        defaultValue={apiKey.name}
        error={wrong["name"]}
      />
      <Field label={text.keys.expiration} error={wrong["expires_at"]}>
        {(ids) => (
          <Select
            {...ids}
            label={text.keys.expiration}
            value={days}
            onChoose={setDays}
            choices={[{ value: keep, label: text.keys.keepExpiry }, ...lifetimes]}
          />
        )}
      </Field>
      <ScopesField wrong={wrong} of={apiKey} />
      <LimitFields wrong={wrong} of={apiKey} />
      <FormActions onCancel={onClose} busy={update.busy} submit={text.common.save} />
    </form>
  );
}
