import { Check, Copy as CopyIcon } from "lucide-react";
import { useState } from "react";
import { text } from "../text.ts";
import { Button } from "./button.tsx";

export function CopyButton({ value, label = text.common.copy }: { value: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <Button
      onClick={() => {
        void navigator.clipboard.writeText(value).then(() => setCopied(true));
      }}
    >
      {copied ? <Check size={16} aria-hidden="true" /> : <CopyIcon size={16} aria-hidden="true" />}
      <span aria-live="polite">{copied ? text.common.copied : label}</span>
    </Button>
  );
}

/** An id that people copy: one click chooses all of it. */
export function Code({ children }: { children: string }) {
  return <code className="select-all font-mono [overflow-wrap:anywhere] text-[13px]">{children}</code>;
}
