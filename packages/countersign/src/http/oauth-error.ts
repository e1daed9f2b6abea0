import { CallError, callStatus } from "../core/call-error.ts";
import { type Denial, type Reason, statusOf } from "../core/denial.ts";
import { Refusal } from "../core/refusal.ts";

/** A refusal in the form of RFC 6749 section 5.2, with our reason beside it. */
export interface OAuthError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Readonly<Record<string, string>>;
}

/** Codes of RFC 6749 sections 4.1.2.1 and 5.2, and of RFC 6750 section 3.1, where a reason has one of its own. */
const codes: Partial<Record<Reason, string>> = {
  PERMISSION_DENIED: "insufficient_scope",
  RATE_LIMITED: "temporarily_unavailable",
  QUOTA_EXCEEDED: "temporarily_unavailable",
  UNAVAILABLE: "temporarily_unavailable",
};

/** Every other denial says that the caller is not known. `more`: challenges besides those of the authenticators. */
export function deniedError(denial: Denial, more: readonly string[] = []): OAuthError {
  const { reason, message, challenges, retryAfterSeconds } = denial;
  const { http: status } = statusOf[reason];
  const known = [...challenges, ...more].filter((challenge) => /^[ -~]+$/.test(challenge));
  return {
    status,
    headers: {
      // RFC 9110 section 15.5.2: a 401 says which scheme would do.
      ...(status === 401 && { "www-authenticate": known.length > 0 ? known : ["Bearer"] }),
      ...(retryAfterSeconds !== undefined && { "retry-after": String(Math.ceil(retryAfterSeconds)) }),
    },
    body: { error: codes[reason] ?? "invalid_client", error_description: message, reason },
  };
}

export function requestError(status: number, error: string, message: string): OAuthError {
  return { status, headers: {}, body: { error, error_description: message } };
}

/** What a handler threw. Undefined for what was not meant for the caller. */
export function thrownOAuthError(thrown: unknown): OAuthError | undefined {
  if (thrown instanceof Refusal) return deniedError(thrown.denial);
  if (!(thrown instanceof CallError)) return undefined;
  // RFC 7009 section 2.2.1: a kind of token that is not revoked here.
  if (thrown.status === "UNIMPLEMENTED") return requestError(400, "unsupported_token_type", thrown.message);
  const { http } = callStatus[thrown.status];
  return requestError(http, http >= 500 ? "temporarily_unavailable" : "invalid_request", thrown.message);
}
