import { createRevocations, type RevocationEvent } from "../../core/revocation.ts";
import { createMemoryStore } from "../memory.ts";
import { createRevocationFollower, type RevocationFollowerOptions } from "../revocation-follower.ts";
import { FakeLog } from "./fake-log.suite.ts";
import { TestClock } from "./store-case.suite.ts";

/** A follower with a clock of its own for what is measured. Its timer never fires unless a test says so. */
export function setUpFollower(options: Partial<RevocationFollowerOptions> = {}) {
  const clock = new TestClock();
  const elapsed = { ms: 1000 };
  const store = createMemoryStore({ now: clock.now });
  const log = new FakeLog(store.revocations);
  const view = createRevocations();
  const errors: unknown[] = [];
  const follower = createRevocationFollower({
    log,
    view,
    pollEveryMs: 500,
    now: clock.now,
    elapsed: () => elapsed.ms,
    onError: (error) => errors.push(error),
    ...options,
  });
  const session = (sessionId: string): RevocationEvent => ({
    kind: "session",
    sessionId,
    expiresAt: clock.ms / 1000 + 60,
  });
  const revoke = (...ids: string[]) => log.append(ids.map(session));
  const verdict = (sessionId: string) => view.check({ sessionId }, view.version);
  return { clock, elapsed, store, log, view, errors, follower, session, revoke, verdict };
}
