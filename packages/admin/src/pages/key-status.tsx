import type { ApiKey } from "../api/protos.ts";
import { text } from "../text.ts";
import { StatusBadge, type Tone } from "../ui/badge.tsx";

const tones: Readonly<Record<string, Tone>> = {
  active: "good",
  disabled: "warn",
  expired: "warn",
  revoked: "bad",
};

/** Active, expired, revoked, disabled; or active for a while beside the key in its place. */
export function KeyStatus({ apiKey: { status, graceEndsAt } }: { apiKey: ApiKey }) {
  const inGrace = status === "active" && graceEndsAt !== undefined;
  return (
    <StatusBadge tone={inGrace ? "accent" : (tones[status] ?? "plain")} on={status === "active"}>
      {inGrace ? text.keys.inGrace : (text.keys.states[status as keyof typeof text.keys.states] ?? status)}
    </StatusBadge>
  );
}
