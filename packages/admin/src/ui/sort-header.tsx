import { ArrowDown, ArrowUp } from "lucide-react";
import { text } from "../text.ts";

/** What a list is in the order of, as the server has it: a name, with a `-` before it from the other end. */
export interface Sorting {
  readonly value: string;
  readonly onSort: (value: string) => void;
}

/** Which way a column is sorted by. */
export function directionOf(name: string | undefined, value: string | undefined) {
  if (name === undefined || value === undefined) return undefined;
  if (value === name) return "ascending";
  return value === `-${name}` ? "descending" : undefined;
}

/** The title of a column that the list can be in the order of: at first as the column says, then the other way. */
export function SortHeader({
  title,
  name,
  first,
  value,
  onSort,
}: Sorting & { title: string; name: string; first: "ascending" | "descending" }) {
  const direction = directionOf(name, value);
  const next = direction === undefined ? first : direction === "ascending" ? "descending" : "ascending";
  const Arrow = direction === "descending" ? ArrowDown : ArrowUp;
  return (
    <button
      type="button"
      title={text.common.sortBy(title)}
      className="inline-flex cursor-pointer [.text-right_&]:flex-row-reverse items-center align-middle gap-1 rounded font-medium text-soft hover:text-ink"
      onClick={() => onSort(next === "descending" ? `-${name}` : name)}
    >
      {title}
      <Arrow size={14} aria-hidden="true" className={direction === undefined ? "invisible" : ""} />
    </button>
  );
}
