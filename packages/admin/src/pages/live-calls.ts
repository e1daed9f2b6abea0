import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { LoggedRequest } from "../api/protos.ts";

/** Names a call among all of them: a client may send the id of a request twice. */
export const callId = ({ requestId, endedAt }: LoggedRequest): string =>
  `${requestId} ${endedAt?.seconds} ${endedAt?.nanos}`;

/** Calls that came by themselves and those of the list, which may have been read again since: each of them once, newest first. */
export function together(
  fresh: readonly LoggedRequest[],
  list: readonly LoggedRequest[],
): readonly LoggedRequest[] {
  const listed = new Set(list.map(callId));
  const others = fresh.filter((call) => !listed.has(callId(call)));
  return others.length === 0 ? list : [...others, ...list].sort((one, other) => endOf(other) - endOf(one));
}

const endOf = ({ endedAt }: LoggedRequest): number =>
  endedAt === undefined ? 0 : timestampDate(endedAt).getTime();
