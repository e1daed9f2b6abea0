import type { Transaction } from "kysely";
import { revoked, sessionRevoked } from "../session-row.ts";
import type { SqlSchema } from "./sql-schema.ts";

export interface EndSessions {
  readonly reason: string;
  readonly now: number;
  /** The session to keep. */
  readonly except?: string | undefined;
}

/** Revokes the sessions of a user of which a token may still be good. Returns their events, not appended yet. */
export async function endSessions(trx: Transaction<SqlSchema>, userId: bigint, options: EndSessions) {
  const { reason, now, except } = options;
  let update = trx
    .updateTable("sessions")
    .set(revoked(reason, now))
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .where("tokens_until", ">", now);
  if (except !== undefined) update = update.where("id", "!=", except);
  const ended = await update.returning(["id", "tokens_until"]).execute();
  return ended.map(sessionRevoked);
}
