import { randomBytes } from "node:crypto";
import { Refusal } from "../core/refusal.ts";
import { Conflict } from "../store/contracts.ts";
import type { NewSession, SessionRecord, SessionStore } from "../store/session-contracts.ts";
import type { Lifetimes } from "./session-tokens.ts";

export interface SessionBeginning {
  readonly sessions: SessionStore;
  readonly lifetimes: Lifetimes;
  readonly now: Date;
}

/** Begins a session of a user's. Refuses one who is gone or disabled. */
export async function beginSession(
  { sessions, lifetimes, now }: SessionBeginning,
  of: Pick<NewSession, "userId" | "methods" | "address" | "userAgent">,
): Promise<SessionRecord> {
  const at = now.getTime();
  try {
    return await sessions.create({
      ...of,
      id: randomBytes(18).toString("base64url"),
      refreshUntil: new Date(at + Math.min(lifetimes.refresh, lifetimes.session) * 1000),
      endsAt: new Date(at + lifetimes.session * 1000),
      address: of.address.slice(0, 100),
      userAgent: of.userAgent.toWellFormed().replaceAll("\0", "").slice(0, 300),
    });
  } catch (error) {
    // Disabled or deleted since it was looked up.
    if (error instanceof Conflict && error.field === "userId") throw new Refusal("USER_DISABLED");
    throw error;
  }
}
