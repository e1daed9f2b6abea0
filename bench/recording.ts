import type { EndedCall, Principal } from "countersign";
import { createRequestRecorder, type RequestRecord, type RequestRecorder } from "countersign/store";
import { openSqliteRequestLog } from "countersign/store/sqlite";
import { filePace } from "../packages/server/src/requests/file-pace.ts";
import { peerAddress } from "../packages/server/src/requests/peer-address.ts";
import * as program from "../packages/server/src/requests/request-record.ts";

/** A request log in a file, as the program has it. */
export async function recordingTo(path: string): Promise<RequestRecorder> {
  return createRequestRecorder({ log: await openSqliteRequestLog({ path }), ...filePace });
}

const peerOf = peerAddress([]);

/** What the program keeps of a call. */
export function recordOf(ended: EndedCall<Principal>): RequestRecord {
  return program.recordOf(ended, peerOf);
}
