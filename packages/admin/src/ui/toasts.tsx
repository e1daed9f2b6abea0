import { Toast } from "@base-ui/react/toast";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import type { ReactNode } from "react";
import { describeError } from "../api/errors.ts";
import { text } from "../text.ts";

const manager = Toast.createToastManager();

/** Says that something was done. */
export function tell(title: string, description?: ReactNode): void {
  manager.add({ title, description, type: "good" });
}

/** Says that something failed, and by which request, so that it can be found in the log. */
export function tellError(error: unknown): void {
  const { title, detail, requestId } = describeError(error);
  const description = [detail, requestId && text.common.request(requestId)].filter(Boolean).join(" · ");
  manager.add({ title, description, type: "bad", timeout: 10_000, priority: "high" });
}

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="fixed bottom-4 right-4 z-[60] flex w-[min(380px,calc(100vw-2rem))] flex-col gap-2">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className="flex items-start gap-3 rounded-lg border border-line bg-raised p-3 shadow-popup"
    >
      {toast.type === "bad" ? (
        <CircleAlert size={18} className="mt-0.5 shrink-0 text-bad" aria-hidden="true" />
      ) : (
        <CircleCheck size={18} className="mt-0.5 shrink-0 text-good" aria-hidden="true" />
      )}
      <div className="min-w-0 grow">
        <Toast.Title className="font-medium" />
        <Toast.Description className="break-words text-[13px] text-soft" />
      </div>
      <Toast.Close aria-label={text.common.close} className="text-faint hover:text-ink">
        <X size={16} aria-hidden="true" />
      </Toast.Close>
    </Toast.Root>
  ));
}
