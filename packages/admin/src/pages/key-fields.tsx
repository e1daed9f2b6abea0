import type { ApiKey } from "../api/protos.ts";
import { text } from "../text.ts";
import { TextField } from "../ui/field.tsx";
import { limitText } from "./key-form.ts";

interface FieldsProps {
  /** What is wrong with fields, by their names. */
  readonly wrong: Readonly<Record<string, string>>;
  /** What they hold at first. */
  readonly of?: ApiKey;
}

export function ScopesField({ wrong, of }: FieldsProps) {
  return (
    <TextField
      label={text.keys.scopes}
      hint={text.keys.scopesHint}
      name="scopes"
      autoComplete="off"
      defaultValue={of?.scopes.join(", ")}
      error={wrong["scopes"]}
    />
  );
}

/** What a key is limited to besides, and how it is found again. */
export function LimitFields({ wrong, of }: FieldsProps) {
  return (
    <>
      <TextField
        label={text.keys.addresses}
        hint={text.keys.addressesHint}
        name="address_ranges"
        defaultValue={of?.addressRanges.join(", ")}
        error={wrong["address_ranges"]}
      />
      <TextField
        label={text.keys.methods}
        hint={text.keys.methodsHint}
        name="methods"
        defaultValue={of?.methods.join(", ")}
        error={wrong["methods"]}
      />
      <TextField
        label={text.keys.limits}
        hint={text.keys.limitsHint}
        name="limits"
        defaultValue={of && limitText(of.limits)}
        error={wrong["limits"]}
      />
      <TextField
        label={text.keys.tags}
        name="tags"
        defaultValue={of?.tags.join(", ")}
        error={wrong["tags"]}
      />
      <TextField
        label={text.keys.descriptionField}
        name="description"
        defaultValue={of?.description}
        error={wrong["description"]}
      />
    </>
  );
}
