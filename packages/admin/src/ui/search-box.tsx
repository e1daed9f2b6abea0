import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import { TextInput } from "./field.tsx";

/** Searches when the typing pauses. */
export function SearchBox({
  label,
  value,
  onSearch,
}: {
  label: string;
  value: string;
  onSearch: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new function is no reason to search again
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onSearch(typed), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div className="relative w-full sm:w-64">
      <Search size={15} aria-hidden="true" className="absolute left-2.5 top-2.5 text-faint" />
      <TextInput
        type="search"
        aria-label={label}
        placeholder={label}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        className="w-full pl-8"
      />
    </div>
  );
}
