import type { LoggedRequest } from "../api/protos.ts";

/** Names a call among all of them: a client may send the id of a request twice. */
export const callId = ({ requestId, endedAt }: LoggedRequest): string =>
  `${requestId} ${endedAt?.seconds} ${endedAt?.nanos}`;

/** Calls that came by themselves, before those of the list, which may have been read again since: each of them once. */
export function together(
  fresh: readonly LoggedRequest[],
  list: readonly LoggedRequest[],
): readonly LoggedRequest[] {
  const listed = new Set(list.map(callId));
  return [...fresh.filter((call) => !listed.has(callId(call))), ...list];
}
