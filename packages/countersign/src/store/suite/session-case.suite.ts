import assert from "node:assert/strict";
import type { AuditVerdict } from "../audit-contracts.ts";
import type { Store, UserRecord } from "../contracts.ts";
import type { NewSession, Rotation, SessionRecord } from "../session-contracts.ts";
import type { TestClock } from "./store-case.suite.ts";

/** Lives for a day, and for 90 with rotations. */
export function newSession(
  id: string,
  userId: string,
  clock: TestClock,
  more: Partial<NewSession> = {},
): NewSession {
  const [refreshUntil, endsAt] = [inDays(clock, 1), inDays(clock, 90)];
  return {
    id,
    userId,
    methods: ["pwd"],
    refreshUntil,
    endsAt,
    address: "::1",
    userAgent: "test/1",
    ...more,
  };
}

export function inDays({ ms }: TestClock, days: number): Date {
  return new Date(ms + days * 86_400_000);
}

/** The ordinary rotation at this moment. */
export function rotation(
  generation: number,
  clock: TestClock,
  more: Partial<Omit<Rotation, "generation">> = {},
): Rotation {
  return { generation, refreshUntil: inDays(clock, 1), now: clock.date, graceMs: 10_000, ...more };
}

/** A plain user and the session `s1` of theirs. */
export async function userWithSession(
  store: Store,
  clock: TestClock,
): Promise<{ user: UserRecord; session: SessionRecord }> {
  const user = await store.users.create({ username: "ada" });
  return { user, session: await store.sessions.create(newSession("s1", user.id, clock)) };
}

/** The event of the end of a session. */
export function endOf({ id, refreshUntil }: Pick<SessionRecord, "id" | "refreshUntil">) {
  return { kind: "session", sessionId: id, expiresAt: Math.ceil(refreshUntil.getTime() / 1000) } as const;
}

/**
 * The audit rows so far, oldest first, without their numbers and instants, and without those of the accounts and keys that a
 * case is made of.
 */
export async function auditOf({ audit }: Store) {
  const rows = await audit.list({ limit: 100_000 });
  assert.deepEqual(
    rows.map(({ sequence }) => sequence),
    rows.map((_, index) => rows.length - index),
  );
  return rows
    .filter(({ action }) => !/^(user|key)\./.test(action))
    .map(({ actor, action, target, details }) => ({ actor, action, target, details }))
    .reverse();
}

/** What a check of the audit log comes to. */
export async function verdictOf(checking: ReturnType<Store["audit"]["verify"]>): Promise<AuditVerdict> {
  for (;;) {
    const step = await checking.next();
    if (step.done === true) return step.value;
  }
}
