import { Check, Copy } from "lucide-react";
import { text } from "../text.ts";
import { useCopy } from "./use-copy.ts";

/** The id of a request, to find it by in the log or to send to somebody. */
export function RequestId({ id }: { id: string }) {
  const { copied, said, copy } = useCopy(id);
  const Icon = copied ? Check : Copy;
  return (
    <p className="mt-0.5 flex min-w-0 items-center gap-1 text-xs text-faint">
      <span>{text.common.request}</span>
      <code data-request-id className="min-w-0 select-all truncate font-mono" title={id}>
        {id}
      </code>
      <button
        type="button"
        aria-label={text.common.copyRequest}
        className="shrink-0 cursor-pointer rounded p-1 hover:text-ink"
        onClick={copy}
      >
        <Icon size={13} aria-hidden="true" />
      </button>
      <span aria-live="polite" className="sr-only">
        {said}
      </span>
    </p>
  );
}
