import { Combobox } from "@base-ui/react/combobox";
import { text } from "../text.ts";

export interface Found {
  readonly id: string;
  readonly name: string;
  /** What tells it from another of the same name. */
  readonly note?: string;
}

export interface Search {
  /** What the last search has found; undefined before the first has. */
  readonly found: readonly Found[] | undefined;
  /** The text that was searched for; undefined while another search goes on. */
  readonly searched: string | undefined;
}

/** What of a search is for the text that stands there now. */
export function shownFor(typed: string, { found, searched }: Search) {
  const wanted = typed.trim().toLowerCase();
  const isOld = searched === undefined || searched.toLowerCase() !== wanted;
  // Whoever types fast and presses Enter must not get what an earlier text has found.
  const shown = isOld ? found?.filter(({ name }) => name.toLowerCase().includes(wanted)) : found;
  return { isOld, shown: shown ?? [] };
}

/** What is found, below the field that belongs to it. */
export function FoundList({ isOld, shown }: ReturnType<typeof shownFor>) {
  return (
    <Combobox.Portal>
      <Combobox.Positioner align="start" sideOffset={6} className="z-50">
        <Combobox.Popup className="w-64 max-w-[var(--available-width)] overflow-hidden rounded-lg border border-line bg-raised shadow-popup">
          <Combobox.Status className="px-3 py-2 text-[13px] text-faint empty:hidden">
            {isOld && shown.length === 0 ? text.common.searching : null}
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
  );
}
