import { type ComponentProps, type ReactNode, useId } from "react";

export interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly children: (props: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": boolean;
  }) => ReactNode;
}

/** A label, what belongs to it, and what is wrong with it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-[13px] font-medium">
        {label}
      </label>
      {children({
        id,
        "aria-describedby": note ? `${id}-note` : undefined,
        "aria-invalid": error !== undefined,
      })}
      {note && (
        <p id={`${id}-note`} className={`text-[13px] ${error ? "text-bad" : "text-faint"}`}>
          {note}
        </p>
      )}
    </div>
  );
}

export function TextInput(props: ComponentProps<"input">) {
  return (
    <input
      {...props}
      className={`control placeholder:text-faint aria-invalid:border-bad ${props.className ?? "w-full"}`}
    />
  );
}

export function TextField({
  label,
  hint,
  error,
  ...input
}: Omit<FieldProps, "children"> & ComponentProps<"input">) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => <TextInput {...input} {...ids} />}
    </Field>
  );
}

export function Toggle({
  label,
  hint,
  ...input
}: { label: string; hint?: string } & Omit<ComponentProps<"input">, "type">) {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5">
      <input
        {...input}
        id={id}
        type="checkbox"
        className="mt-0.5 size-4 accent-accent"
        aria-describedby={hint && `${id}-hint`}
      />
      <div>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {hint && (
          <p id={`${id}-hint`} className="text-[13px] text-faint">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
