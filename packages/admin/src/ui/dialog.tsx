import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { text } from "../text.ts";
import { Button, buttonClass } from "./button.tsx";

export interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** What it shows cannot be shown again: only its own buttons close it. */
  readonly stays?: boolean;
}

/** Closed by its buttons, by Escape, and by a click beside it; not by the latter once something was typed into it. */
export function Dialog({ open, onClose, title, description, children, wide, stays = false }: DialogProps) {
  const typed = useRef(false);
  return (
    <Base.Root
      open={open}
      disablePointerDismissal={stays}
      onOpenChange={(next, { reason }) => {
        if (next || (stays && reason !== "close-press")) return;
        if (typed.current && reason === "outside-press") return;
        onClose();
      }}
      onOpenChangeComplete={(isOpen) => {
        if (!isOpen) typed.current = false;
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Base.Popup
          initialFocus={() =>
            document.querySelector<HTMLElement>("[role=dialog] :is(input, select, textarea)") ?? true
          }
          onInput={() => {
            typed.current = true;
          }}
          className={`fixed left-1/2 top-[8vh] z-50 flex max-h-[84vh] w-[calc(100vw-2rem)] -translate-x-1/2 flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-popup ${wide ? "max-w-3xl" : "max-w-lg"}`}
        >
          <div className="flex items-start justify-between gap-4 border-b border-line px-5 py-4">
            <div className="min-w-0">
              <Base.Title className="text-base font-semibold [overflow-wrap:anywhere]">{title}</Base.Title>
              {description && <Base.Description className="mt-0.5 text-soft">{description}</Base.Description>}
            </div>
            <Base.Close
              className={`${buttonClass({ look: "ghost", size: "icon" })} -mr-2 -mt-1`}
              aria-label={text.common.close}
            >
              <X size={16} aria-hidden="true" />
            </Base.Close>
          </div>
          <div className="overflow-y-auto px-5 py-4">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** The last row of a dialog. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}

interface FormActionsProps {
  readonly onCancel: () => void;
  readonly busy: boolean;
  /** What the form does. */
  readonly submit: string;
}

/** The last row of a form in a dialog. */
export function FormActions({ onCancel, busy, submit }: FormActionsProps) {
  return (
    <DialogActions>
      <Button onClick={onCancel}>{text.common.cancel}</Button>
      <Button type="submit" look="primary" busy={busy}>
        {submit}
      </Button>
    </DialogActions>
  );
}
