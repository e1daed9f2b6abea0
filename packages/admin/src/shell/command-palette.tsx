import { Dialog } from "@base-ui/react/dialog";
import { Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useState } from "react";
import { useLocation } from "wouter";
import { text } from "../text.ts";
import { commands } from "./commands.ts";

/** Every page and every beginning of a task, by typing a part of its name. Ctrl K or ⌘ K. */
export function CommandPalette() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen((now) => !now);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="flex h-[34px] w-full cursor-pointer items-center gap-2 rounded-[7px] border border-line bg-page px-2.5 text-soft hover:border-strong-line">
        <Search size={15} aria-hidden="true" />
        <span className="grow text-left">{text.shell.search}</span>
        <kbd className="rounded border border-line px-1 font-sans text-xs">
          {/Mac/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}
        </kbd>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Dialog.Popup className="fixed left-1/2 top-[12vh] z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-raised shadow-popup">
          <Dialog.Title className="sr-only">{text.shell.search}</Dialog.Title>
          <Palette onDone={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Palette({ onDone }: { onDone: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [, go] = useLocation();
  const list = useId();
  const found = commands.filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase()));
  const chosen = found[Math.min(at, found.length - 1)];
  const run = (command: (typeof found)[number] | undefined): void => {
    if (command === undefined) return;
    onDone();
    go(command.path);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") run(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        // biome-ignore lint/a11y/noAutofocus: a dialog that was asked for in order to type into it
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={chosen && `${list}-${chosen.path}`}
        aria-label={text.shell.search}
        placeholder={text.shell.searchHint}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        className="h-12 w-full border-b border-line bg-transparent px-4 text-[15px] outline-none placeholder:text-faint"
      />
      <div id={list} role="listbox" aria-label={text.shell.search} className="max-h-80 overflow-y-auto p-1.5">
        {found.map((command) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the field
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
          <div
            key={command.path}
            id={`${list}-${command.path}`}
            role="option"
            aria-selected={command === chosen}
            onClick={() => run(command)}
            className={`flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-2 ${command === chosen ? "bg-accent-soft text-accent" : "hover:bg-hover"}`}
          >
            <command.icon size={16} aria-hidden="true" />
            {command.name}
          </div>
        ))}
        {found.length === 0 && (
          <div className="px-2.5 py-6 text-center text-soft">{text.shell.nothingFound}</div>
        )}
      </div>
    </>
  );
}
