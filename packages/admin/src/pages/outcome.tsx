import type { LoggedRequest } from "../gen/auth/v1/logs_pb.ts";
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
