import { TriangleAlert } from "lucide-react";
import { text } from "../text.ts";
import { CopyButton } from "./copy.tsx";

/** A secret that is shown now and never again. */
export function OnceShown({ value }: { value: string }) {
  return (
    <div className="flex flex-col gap-3">
      <p className="flex items-start gap-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
        <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden="true" />
        {text.keys.once}
      </p>
      <code
        data-secret
        className="select-all rounded-md border border-line bg-page px-3 py-2.5 font-mono text-[13px] [overflow-wrap:anywhere]"
      >
        {value}
      </code>
      <CopyButton value={value} label={text.keys.copy} autoFocus />
    </div>
  );
}
