import { Download } from "lucide-react";
import { useState } from "react";
import { text } from "../text.ts";
import { Button } from "./button.tsx";
import { saveFile } from "./save-file.ts";
import { tellError } from "./toasts.tsx";

interface ExportButtonProps {
  /** What the file is called. */
  readonly file: string;
  /** Asks for the file, which comes in pieces. */
  readonly pieces: () => AsyncIterable<{ readonly data: string | Uint8Array }>;
}

/** Saves as CSV what a server sends in pieces. */
export function ExportButton({ file, pieces }: ExportButtonProps) {
  const [busy, setBusy] = useState(false);
  async function save(): Promise<void> {
    setBusy(true);
    try {
      const parts: BlobPart[] = [];
      for await (const { data } of pieces()) parts.push(data as BlobPart);
      saveFile(file, "text/csv", parts);
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  }
  return (
    <Button busy={busy} onClick={() => void save()}>
      <Download size={16} aria-hidden="true" />
      {text.common.export}
    </Button>
  );
}
