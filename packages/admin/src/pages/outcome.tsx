import type { LoggedRequest } from "../api/protos.ts";
import { StatusBadge } from "../ui/badge.tsx";

/** How a call ended, in a word: the reason of a refusal, else its status. */
export function Outcome({ request: { status, code, reason } }: { request: LoggedRequest }) {
  const good = status === "success";
  return (
    <StatusBadge tone={good ? "good" : "bad"} on={good}>
      {reason || code}
    </StatusBadge>
  );
}
