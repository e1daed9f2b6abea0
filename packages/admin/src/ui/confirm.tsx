import { type ReactNode, useState } from "react";
import { text } from "../text.ts";
import { Button } from "./button.tsx";
import { Dialog, DialogActions } from "./dialog.tsx";
import { TextField } from "./field.tsx";

export interface ConfirmProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  /** What the button says: the deed, not "OK". */
  readonly action: string;
  readonly busy: boolean;
  readonly onConfirm: (reason: string) => void;
  /** Asks why; the answer goes into the audit log. */
  readonly asksReason?: boolean;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ open, title, ...question }: ConfirmProps) {
  return (
    <Dialog open={open} onClose={question.onClose} title={title}>
      <Question {...question} />
    </Dialog>
  );
}

function Question({
  onClose,
  children,
  action,
  busy,
  onConfirm,
  asksReason,
}: Omit<ConfirmProps, "open" | "title">) {
  const [reason, setReason] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onConfirm(reason);
      }}
    >
      <div className="text-soft">{children}</div>
      {asksReason && (
        <div className="mt-4">
          <TextField
            label={text.common.reason}
            hint={text.common.reasonHint}
            value={reason}
            maxLength={200}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </div>
      )}
      <DialogActions>
        <Button onClick={onClose}>{text.common.cancel}</Button>
        <Button type="submit" look="danger" busy={busy}>
          {action}
        </Button>
      </DialogActions>
    </form>
  );
}
