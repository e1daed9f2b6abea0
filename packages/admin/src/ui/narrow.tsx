import { TextInput } from "./field.tsx";

/** A filter that is typed: it counts when it is left, or Enter is pressed. */
export function Narrow({
  label,
  value,
  onChange,
  wide,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** For what is long. */
  wide?: boolean;
}) {
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      key={value}
      defaultValue={value}
      onBlur={(event) => onChange(event.currentTarget.value.trim())}
      onKeyDown={(event) => event.key === "Enter" && onChange(event.currentTarget.value.trim())}
      className={wide ? "w-full sm:w-64" : "max-sm:w-[calc(50%-4px)] sm:w-28"}
    />
  );
}
