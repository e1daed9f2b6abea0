import { Check, Copy as CopyIcon } from "lucide-react";
import { text } from "../text.ts";
import { Button } from "./button.tsx";
import { useCopy } from "./use-copy.ts";

interface CopyProps {
  readonly value: string;
  readonly label?: string;
  /** Has the focus where it comes in the place of what had it. */
  readonly autoFocus?: boolean;
}

export function CopyButton({ value, label = text.common.copy, autoFocus = false }: CopyProps) {
  const { copied, said, copy } = useCopy(value);
  return (
    <Button onClick={copy} autoFocus={autoFocus}>
      {copied ? <Check size={16} aria-hidden="true" /> : <CopyIcon size={16} aria-hidden="true" />}
      <span aria-live="polite">{said ?? label}</span>
    </Button>
  );
}

/** An id that people copy: one click chooses all of it. */
export function Code({ children }: { children: string }) {
  return <code className="select-all font-mono [overflow-wrap:anywhere] text-[13px]">{children}</code>;
}
