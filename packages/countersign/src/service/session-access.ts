import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import { CallError } from "../core/call-error.ts";
import { grants, type Principal } from "../core/principal.ts";
import type { SessionSchema } from "../gen/auth/v1/auth_pb.ts";
import type { TokenClaims } from "../jwt/claim-schema.ts";
import type { Store } from "../store/contracts.ts";
import type { SessionRecord } from "../store/session-contracts.ts";

/** The session that a call came with. What concerns an account's own credentials takes one: a key is not enough. */
export function currentSession(context: CallContext): {
  readonly userId: string;
  readonly sessionId: string;
} {
  const { userId, sessionId } = context.requireUser();
  if (sessionId !== undefined) return { userId, sessionId };
  return context.abortPermissionDenied("A session is required: log in");
}

/** Ends the session of the token that a call came with; of one without a session, the token itself. */
export async function endCurrentSession(store: Store, context: CallContext): Promise<void> {
  const { userId, sessionId, claims } = context.requireUser();
  const { jti, exp, iss: issuer = "" } = claims as TokenClaims;
  const session = sessionId === undefined ? undefined : await store.sessions.load(sessionId);
  if (session?.userId === userId) {
    await store.sessions.revoke(session.id, { reason: "logged out", by: userId });
  } else if (jti !== undefined && exp !== undefined) {
    await store.revocations.append([{ kind: "token", issuer, jti, expiresAt: exp }]);
  } else {
    throw new CallError("FAILED_PRECONDITION", "This call came with no token that could be logged out");
  }
}

/** One's own sessions, except for a key that was not granted it; others' with the permission. */
export function mayReach(caller: Principal, userId: string, permission: string): boolean {
  if (grants(caller, permission)) return true;
  return userId === caller.userId && caller.apiKey === undefined;
}

/** A session as the API shows it. */
export function sessionMessage(
  session: SessionRecord,
  caller: Principal,
): MessageInitShape<typeof SessionSchema> {
  const { id, userId, methods, createdAt, rotatedAt, refreshUntil, address, userAgent } = session;
  return {
    id,
    userId: BigInt(userId),
    methods: [...methods],
    createdAt: timestampFromDate(createdAt),
    refreshedAt: timestampFromDate(rotatedAt),
    expiresAt: timestampFromDate(refreshUntil),
    address,
    userAgent,
    current: caller.sessionId === id,
    revokedReason: session.revokedReason ?? "",
    ...(session.revokedAt && { revokedAt: timestampFromDate(session.revokedAt) }),
  };
}
