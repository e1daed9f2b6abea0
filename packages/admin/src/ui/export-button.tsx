import { Download } from "lucide-react";
import { useState } from "react";
import { saveList } from "../api/save-list.ts";
import { text } from "../text.ts";
import { Button } from "./button.tsx";
import { tellError } from "./toasts.tsx";

interface ExportButtonProps {
  /** Which list, and what of it, as the RPC's own filter in JSON. */
  readonly list: "requests" | "audit";
  readonly filter: () => unknown;
}

/** Saves a list as CSV: the browser downloads what the server sends, and the page holds nothing of it. */
export function ExportButton({ list, filter }: ExportButtonProps) {
  const [busy, setBusy] = useState(false);
  async function save(): Promise<void> {
    setBusy(true);
    await saveList(list, filter()).catch(tellError);
    setBusy(false);
  }
  return (
    <Button busy={busy} onClick={() => void save()}>
      <Download size={16} aria-hidden="true" />
      {text.common.export}
    </Button>
  );
}
