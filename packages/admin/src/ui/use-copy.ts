import { type MouseEvent, useEffect, useState } from "react";
import { text } from "../text.ts";

const saidForMs = 2_500;

/** Copies a text when it is clicked, and says for a moment what came of it. */
export function useCopy(value: string) {
  const [outcome, setOutcome] = useState<"copied" | "refused">();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), saidForMs);
    return () => clearTimeout(timer);
  }, [outcome]);
  async function write(button: HTMLElement): Promise<void> {
    const done = (await writeToClipboard(value)) || copySelected(value, button);
    setOutcome(done ? "copied" : "refused");
  }
  return {
    copied: outcome === "copied",
    said: outcome && { copied: text.common.copied, refused: text.common.notCopied }[outcome],
    copy: ({ currentTarget }: MouseEvent<HTMLElement>) => void write(currentTarget),
  };
}

/** A page that came over plain HTTP has no clipboard, and a browser may refuse it. */
async function writeToClipboard(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return false;
  }
}

/** As before there was a clipboard: a field with the text, beside the button, because a dialog keeps the focus to itself. */
function copySelected(value: string, button: HTMLElement): boolean {
  const field = document.createElement("textarea");
  field.value = value;
  field.readOnly = true;
  field.className = "sr-only";
  button.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  button.focus();
  return done;
}
