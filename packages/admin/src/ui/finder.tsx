import { Combobox } from "@base-ui/react/combobox";
import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { text } from "../text.ts";

export interface Found {
  readonly id: string;
  readonly name: string;
  /** What tells it from another of the same name. */
  readonly note?: string;
}

export interface FinderProps {
  readonly label: string;
  /** What is chosen; undefined for nothing. */
  readonly chosen: Found | undefined;
  /** What the last search has found; undefined before the first has. */
  readonly found: readonly Found[] | undefined;
  /** The text that was searched for; undefined while another search goes on. */
  readonly searched: string | undefined;
  readonly onSearch: (typed: string) => void;
  readonly onChange: (id: string) => void;
}

/** A filter that is chosen by name, from what is found while one types. */
export function Finder({ label, chosen, found, searched, onSearch, onChange }: FinderProps) {
  const [typed, setTyped] = useState("");
  const wanted = typed.trim().toLowerCase();
  const isOld = searched === undefined || searched.toLowerCase() !== wanted;
  // Whoever types fast and presses Enter must not get what an earlier text has found.
  const shown = isOld ? found?.filter(({ name }) => name.toLowerCase().includes(wanted)) : found;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new function is no reason to search again
  useEffect(() => {
    const timer = setTimeout(() => onSearch(typed.trim()), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <Combobox.Root<Found>
      // What is chosen may get its name only now.
      key={chosen && `${chosen.id} ${chosen.name}`}
      items={shown ?? []}
      filter={null}
      autoHighlight
      defaultValue={chosen ?? null}
      itemToStringLabel={({ name }) => name}
      isItemEqualToValue={(one, other) => one.id === other.id}
      onValueChange={(value) => onChange(value?.id ?? "")}
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
      <Combobox.Portal>
        <Combobox.Positioner align="start" sideOffset={6} className="z-50">
          <Combobox.Popup className="w-64 max-w-[var(--available-width)] overflow-hidden rounded-lg border border-line bg-raised shadow-popup">
            <Combobox.Status className="px-3 py-2 text-[13px] text-faint empty:hidden">
              {isOld && !shown?.length ? text.common.searching : null}
            </Combobox.Status>
            <Combobox.Empty className="px-3 py-2 text-[13px] text-soft empty:hidden">
              {!isOld && text.common.nothingMatches}
            </Combobox.Empty>
            <Combobox.List className="max-h-72 overflow-y-auto p-1 empty:hidden">
              {(one: Found) => (
                <Combobox.Item
                  key={one.id}
                  value={one}
                  className="flex cursor-pointer items-baseline justify-between gap-3 rounded px-2 py-1.5 data-[highlighted]:bg-hover"
                >
                  <span className="min-w-0 truncate">{one.name}</span>
                  {one.note && <span className="shrink-0 text-xs text-faint">{one.note}</span>}
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}
