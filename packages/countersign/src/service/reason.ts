import { invalidArgument } from "../core/call-error.ts";

/** Throws `INVALID_ARGUMENT` for a reason that is too long, or that no store could give back. */
export function requireReason(reason: string): void {
  const field = "reason";
  if (reason.length > 500) throw invalidArgument({ field, description: "at most 500 characters" });
  if (reason.includes("\0") || !reason.isWellFormed())
    throw invalidArgument({ field, description: "well-formed text without NUL characters" });
}
