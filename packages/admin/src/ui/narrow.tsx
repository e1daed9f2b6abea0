import { TextInput } from "./field.tsx";

/** A filter that is typed: it counts when it is left, or Enter is pressed. */
export function Narrow({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      key={value}
      defaultValue={value}
      onBlur={(event) => onChange(event.currentTarget.value.trim())}
      onKeyDown={(event) => event.key === "Enter" && onChange(event.currentTarget.value.trim())}
      className="max-sm:w-[calc(50%-4px)] sm:w-28"
    />
  );
}
