import { useState } from "react";
import { useLocation } from "wouter";
import { ApiKeyService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { Dialog, DialogActions } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { OnceShown } from "../ui/once-shown.tsx";
import { Select } from "../ui/select.tsx";
import { useChange } from "./use-change.ts";

const graces = [
  { value: "0", label: text.keys.graces.none },
  { value: "3600", label: text.keys.graces.hour },
  { value: "86400", label: text.keys.graces.day },
  { value: "604800", label: text.keys.graces.week },
] as const;

/** A key in the place of another one, which works for a while beside it. */
export function RotateKey({ id, open, onClose }: { id: string; open: boolean; onClose: () => void }) {
  const [grace, setGrace] = useState<string>("86400");
  const [made, setMade] = useState<{ id: string; key: string }>();
  const [, go] = useLocation();
  const rotate = useChange(ApiKeyService.method.rotateApiKey, {
    onDone: ({ apiKey, key }) => setMade({ id: apiKey?.id ?? "", key }),
  });
  const close = (): void => {
    onClose();
    if (made) go(`/keys/${made.id}`);
    setMade(undefined);
  };
  return (
    <Dialog open={open} onClose={close} title={made ? text.keys.madeTitle : text.keys.rotateTitle}>
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
        <>
          <p className="mb-4 text-soft">{text.keys.rotateText}</p>
          <Field label={text.keys.grace} hint={text.keys.graceHint}>
            {(ids) => (
              <Select {...ids} label={text.keys.grace} value={grace} onChoose={setGrace} choices={graces} />
            )}
          </Field>
          <DialogActions>
            <Button onClick={onClose}>{text.common.cancel}</Button>
            <Button
              look="primary"
              busy={rotate.busy}
              onClick={() => rotate.run({ id, grace: { seconds: BigInt(grace) } })}
            >
              {text.keys.rotate}
            </Button>
          </DialogActions>
        </>
      )}
    </Dialog>
  );
}
