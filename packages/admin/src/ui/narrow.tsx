import { useEffect, useState } from "react";
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
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const narrow = (): void => {
    if (typed.trim() !== value) onChange(typed.trim());
  };
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={narrow}
      onKeyDown={(event) => event.key === "Enter" && narrow()}
      className={wide ? "w-full sm:w-64" : "max-sm:w-[calc(50%-4px)] sm:w-28"}
    />
  );
}
