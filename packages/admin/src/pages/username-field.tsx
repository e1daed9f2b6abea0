import { Autocomplete } from "@base-ui/react/autocomplete";
import { useState } from "react";
import { useMe } from "../api/rights.ts";
import { useSettled } from "../api/while-typing.ts";
import { Field, TextField } from "../ui/field.tsx";
import { type Found, FoundList, shownFor } from "../ui/found-list.tsx";
import { useUserSearch } from "./use-user-search.ts";

interface Props {
  readonly label: string;
  /** In the form. */
  readonly name: string;
  readonly required?: boolean;
  readonly defaultValue?: string | undefined;
  readonly placeholder?: string;
  readonly error?: string | undefined;
}

/** A username, which is typed; who may look at users is offered those whom the text is about. */
export function UsernameField(props: Props) {
  return useMe().can("auth.users:read") ? (
    <Offered {...props} />
  ) : (
    <TextField autoComplete="off" {...props} />
  );
}

function Offered({ label, error, defaultValue = "", ...input }: Props) {
  const [typed, setTyped] = useState(defaultValue);
  const [open, setOpen] = useState(false);
  const query = useSettled(typed.trim());
  const list = shownFor(typed, useUserSearch(query, open));
  return (
    <Field label={label} error={error}>
      {(ids) => (
        <Autocomplete.Root<Found>
          items={list.shown}
          filter={null}
          mode="none"
          // An open list hides the rest of the form from screen readers: it is there only while it has something to offer.
          open={open && list.shown.some(({ name }) => name !== typed.trim())}
          onOpenChange={setOpen}
          value={typed}
          onValueChange={setTyped}
          itemToStringValue={({ name }) => name}
        >
          <Autocomplete.Input
            {...ids}
            {...input}
            autoComplete="off"
            className="control w-full placeholder:text-faint aria-invalid:border-bad"
          />
          <FoundList {...list} />
        </Autocomplete.Root>
      )}
    </Field>
  );
}
