import { Toast } from "@base-ui/react/toast";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import type { ReactNode } from "react";
import { describeError } from "../api/errors.ts";
import { text } from "../text.ts";
import { RequestId } from "./request-id.tsx";

interface ToastData {
  readonly requestId: string | undefined;
}

const manager = Toast.createToastManager<ToastData>();

/** Says that something was done, and by which request. */
export function tell(title: string, requestId?: string): void {
  manager.add({ title, type: "good", data: { requestId } });
}

/** Says that something failed, and by which request, so that it can be found in the log. */
export function tellError(error: unknown): void {
  const { title, detail, requestId } = describeError(error);
  const data = { requestId };
  manager.add({ title, description: detail, type: "bad", timeout: 10_000, priority: "high", data });
}

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager}>
      {children}
      <Toast.Portal>
        {/* What is below it and between its notices can be clicked. */}
        <Toast.Viewport className="pointer-events-none fixed bottom-4 right-4 z-[60] flex w-[min(380px,calc(100vw-2rem))] flex-col gap-2">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts } = Toast.useToastManager<ToastData>();
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className="pointer-events-auto flex items-start gap-3 data-limited:hidden rounded-lg border border-line bg-raised p-3 shadow-popup"
    >
      {toast.type === "bad" ? (
        <CircleAlert size={18} className="mt-0.5 shrink-0 text-bad" aria-hidden="true" />
      ) : (
        <CircleCheck size={18} className="mt-0.5 shrink-0 text-good" aria-hidden="true" />
      )}
      <div className="min-w-0 grow">
        <Toast.Title className="font-medium" />
        <Toast.Description className="break-words text-[13px] text-soft" />
        {toast.data?.requestId && <RequestId id={toast.data.requestId} />}
      </div>
      <Toast.Close
        aria-label={text.common.close}
        className="-m-1 cursor-pointer rounded p-1 text-faint hover:text-ink"
      >
        <X size={16} aria-hidden="true" />
      </Toast.Close>
    </Toast.Root>
  ));
}
