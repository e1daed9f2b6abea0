import { hostname, userInfo } from "node:os";
import type { AuditOrigin } from "countersign/store";

/** Whoever works on the store itself, as the audit log names it: by the account of the operating system. */
export function localOperator(): AuditOrigin {
  return { actor: "system", authenticator: "local", address: `${accountName()}@${hostname()}` };
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container there may be a number and no name.
    return String(process.getuid?.() ?? "unknown");
  }
}
