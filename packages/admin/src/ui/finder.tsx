import { Combobox } from "@base-ui/react/combobox";
import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { text } from "../text.ts";
import { type Found, FoundList, type Search, shownFor } from "./found-list.tsx";

export interface FinderProps extends Search {
  readonly label: string;
  /** What is chosen; undefined for nothing. */
  readonly chosen: Found | undefined;
  readonly onSearch: (typed: string) => void;
  readonly onChange: (id: string) => void;
}

/** A filter that is chosen by name, from what is found while one types. */
export function Finder({ label, chosen, found, searched, onSearch, onChange }: FinderProps) {
  const [typed, setTyped] = useState("");
  const [picked, setPicked] = useState<Found>();
  // Who was picked here has a name already: the field need not be made anew when it is read.
  const shown = chosen !== undefined && picked?.id === chosen.id ? picked : chosen;
  const list = shownFor(typed, { found, searched });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new function is no reason to search again
  useEffect(() => {
    const timer = setTimeout(() => onSearch(typed.trim()), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <Combobox.Root<Found>
      // What the address has chosen may get its name only now.
      key={shown === undefined || shown === picked ? "" : `${shown.id} ${shown.name}`}
      items={list.shown}
      filter={null}
      autoHighlight
      value={shown ?? null}
      itemToStringLabel={({ name }) => name}
      isItemEqualToValue={(one, other) => one.id === other.id}
      onValueChange={(value) => {
        setPicked(value ?? undefined);
        onChange(value?.id ?? "");
      }}
      onInputValueChange={(value, { reason }) => setTyped(reason === "item-press" ? "" : value)}
    >
      <div className="relative max-sm:w-[calc(50%-4px)] sm:w-32">
        <Combobox.Input
          aria-label={label}
          placeholder={label}
          className="control w-full placeholder:text-faint"
        />
        {chosen && (
          <Combobox.Clear
            aria-label={text.common.clear(label)}
            className="absolute right-1 top-1 flex size-6.5 cursor-pointer items-center justify-center rounded bg-panel text-faint hover:text-ink"
          >
            <X size={14} aria-hidden="true" />
          </Combobox.Clear>
        )}
      </div>
      <FoundList {...list} />
    </Combobox.Root>
  );
}
