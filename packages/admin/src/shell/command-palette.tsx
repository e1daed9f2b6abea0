import { Dialog } from "@base-ui/react/dialog";
import { Search } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { text } from "../text.ts";

const Palette = lazy(() => import("./palette.tsx").then(({ Palette: one }) => ({ default: one })));

/** Every page, every beginning of a task, and keys and users, by typing a part of a name. Ctrl K or ⌘ K. */
export function CommandPalette({ onLeft }: { onLeft: () => void }) {
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
      <Dialog.Trigger className="flex h-[34px] w-full shrink-0 cursor-pointer items-center gap-2 rounded-[7px] border border-line bg-page px-2.5 text-soft hover:border-strong-line">
        <Search size={15} aria-hidden="true" />
        <span className="grow text-left">{text.shell.search}</span>
        <kbd className="rounded border border-line px-1 font-sans text-xs">
          {/Mac/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}
        </kbd>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Dialog.Popup className="fixed left-1/2 top-[min(12vh,6rem)] z-50 flex max-h-[80vh] w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-popup">
          <Dialog.Title className="sr-only">{text.shell.search}</Dialog.Title>
          <Suspense fallback={<div className="h-12" />}>
            <Palette onDone={() => setOpen(false)} onLeft={onLeft} />
          </Suspense>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
