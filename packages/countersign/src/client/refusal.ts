import { clientStatus } from "./client-error.ts";

/** A `google.rpc.ErrorInfo`. */
export interface RefusalInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What another token may help against. */
export const renewable: ReadonlySet<string | undefined> = new Set(["TOKEN_EXPIRED", "TOKEN_REVOKED"]);

/**
 * Was a call refused before it began, for a reason that another token mends? Not a stream that was open and was cut off: its
 * handler has run.
 */
export function isRenewable(code: number, info: RefusalInfo | undefined): boolean {
  if (code !== clientStatus.UNAUTHENTICATED || info?.domain !== "countersign") return false;
  return renewable.has(info.reason) && info.metadata?.["cut_off"] === undefined;
}
