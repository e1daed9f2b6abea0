import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import type { ApiKey } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { Dialog, DialogActions } from "../ui/dialog.tsx";
import { OnceShown } from "../ui/once-shown.tsx";

/** What an RPC answers that has made a key. */
export interface MadeKey {
  readonly apiKey?: ApiKey | undefined;
  readonly key: string;
}

interface MadeKeyDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** What is asked for first, and is told of the key. */
  readonly children: (onMade: (made: MadeKey) => void) => ReactNode;
}

/** Asks for what a key is to be, and shows it once; then it leads to the key's page. */
export function MadeKeyDialog({ open, onClose, title, children }: MadeKeyDialogProps) {
  const [made, setMade] = useState<MadeKey>();
  const [, go] = useLocation();
  const close = (): void => {
    onClose();
    if (made) go(`/keys/${made.apiKey?.id ?? ""}`);
    setMade(undefined);
  };
  return (
    <Dialog open={open} onClose={close} title={made ? text.keys.madeTitle : title} stays={made !== undefined}>
      {made ? (
        <>
          <OnceShown value={made.key} />
          <DialogActions>
            <Button look="primary" onClick={close}>
              {text.keys.kept}
            </Button>
          </DialogActions>
        </>
      ) : (
        children(setMade)
      )}
    </Dialog>
  );
}
