import { errorInfoOf, type JsonDetail } from "../error-info.ts";
import type { Json } from "../protos.ts";
import type { Outcome } from "./client.ts";

/** gRPC's numbers of the codes that Connect names. */
const codes: Readonly<Record<string, number>> = {
  canceled: 1,
  invalid_argument: 3,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
};

interface ErrorJson {
  readonly code: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: readonly JsonDetail[];
}

/** What an answer over plain HTTP says, to somebody who reads JSON and knows no library. */
export function outcomeOf(status: number, body: string): Outcome {
  const json = JSON.parse(body) as Json;
  if (status === 200) return { code: 0, message: "", answers: [json] };
  const { code, message = "", reason, details } = json as unknown as ErrorJson;
  const info = errorInfoOf(details);
  if (info?.reason !== reason)
    throw new Error(`the reason on top and the one in the details differ: ${body}`);
  return { code: codes[code] ?? 2, message, answers: [], ...info };
}
