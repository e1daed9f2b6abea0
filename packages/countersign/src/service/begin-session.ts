import { randomBytes } from "node:crypto";
import { Refusal } from "../core/refusal.ts";
import { Conflict } from "../store/contracts.ts";
import type { NewSession, SessionRecord, SessionStore } from "../store/session-contracts.ts";
import type { Lifetimes } from "./session-tokens.ts";

/** Whose session, and where it comes from. */
export type SessionOrigin = Pick<NewSession, "userId" | "methods" | "address" | "userAgent">;

/** A session that begins now, with an id of its own. */
export function newSession(of: SessionOrigin, lifetimes: Lifetimes, now: Date): NewSession {
  const at = now.getTime();
  return {
    ...of,
    id: randomBytes(18).toString("base64url"),
    refreshUntil: new Date(at + Math.min(lifetimes.refresh, lifetimes.session) * 1000),
    endsAt: new Date(at + lifetimes.session * 1000),
    address: of.address.slice(0, 100),
    userAgent: of.userAgent.toWellFormed().replaceAll("\0", "").slice(0, 300),
  };
}

/** Writes it down. Refuses a user who has been disabled or deleted since it was looked up. */
export async function beginSession(sessions: SessionStore, session: NewSession): Promise<SessionRecord> {
  try {
    return await sessions.create(session);
  } catch (error) {
    if (error instanceof Conflict && error.field === "userId") throw new Refusal("USER_DISABLED");
    throw error;
  }
}
