import { useState } from "react";
import { ApiKeyService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { DialogActions } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Select } from "../ui/select.tsx";
import { type MadeKey, MadeKeyDialog } from "./made-key-dialog.tsx";
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
  return (
    <MadeKeyDialog open={open} onClose={onClose} title={text.keys.rotateTitle}>
      {(onMade) => <GraceForm {...{ id, grace, setGrace, onMade }} onCancel={onClose} />}
    </MadeKeyDialog>
  );
}

interface GraceFormProps {
  readonly id: string;
  /** Seconds. */
  readonly grace: string;
  readonly setGrace: (grace: string) => void;
  readonly onMade: (made: MadeKey) => void;
  readonly onCancel: () => void;
}

function GraceForm({ id, grace, setGrace, onMade, onCancel }: GraceFormProps) {
  const rotate = useChange(ApiKeyService.method.rotateApiKey, {
    said: text.keys.rotatedToast,
    onDone: onMade,
  });
  return (
    <>
      <p className="mb-4 text-soft">{text.keys.rotateText}</p>
      <Field label={text.keys.grace} hint={text.keys.graceHint}>
        {(ids) => (
          <Select {...ids} label={text.keys.grace} value={grace} onChoose={setGrace} choices={graces} />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onCancel}>{text.common.cancel}</Button>
        <Button
          look="primary"
          busy={rotate.busy}
          onClick={() => rotate.run({ id, grace: { seconds: BigInt(grace) } })}
        >
          {text.keys.rotate}
        </Button>
      </DialogActions>
    </>
  );
}
