import type { ComponentProps } from "react";

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** The browser's own list: it works with every keyboard, screen reader and phone. */
export function Select({
  label,
  choices,
  onChoose,
  ...rest
}: Omit<ComponentProps<"select">, "onChange"> & {
  label: string;
  choices: readonly Choice[];
  onChoose: (value: string) => void;
}) {
  return (
    <select
      aria-label={label}
      {...rest}
      onChange={(event) => onChoose(event.currentTarget.value)}
      className={`control max-w-full pr-7 ${rest.className ?? ""}`}
    >
      {choices.map(({ value, label: text }) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}
