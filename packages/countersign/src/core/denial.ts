/** Every reason for which a call can be refused. Add one here and the compiler finds the tables to extend. */
export type Reason =
  | "CREDENTIALS_MISSING"
  | "CREDENTIALS_MALFORMED"
  | "CREDENTIALS_AMBIGUOUS"
  | "TOKEN_INVALID"
  | "TOKEN_EXPIRED"
  | "TOKEN_REVOKED"
  | "API_KEY_INVALID"
  | "API_KEY_EXPIRED"
  | "API_KEY_REVOKED"
  | "API_KEY_DISABLED"
  | "USER_DISABLED"
  | "LOGIN_FAILED"
  | "MFA_REQUIRED"
  | "PERMISSION_DENIED"
  | "RATE_LIMITED"
  | "QUOTA_EXCEEDED"
  | "UNAVAILABLE";

/** What a reason looks like on the wire. `grpc` is a status code of https://grpc.io/docs/guides/status-codes/. */
export interface WireStatus {
  readonly grpc: number;
  readonly http: number;
  /** Safe to send to anyone: constant, no part of a credential. */
  readonly message: string;
}

/** UNAUTHENTICATED, unless other codes are named. */
const wire = (message: string, grpc = 16, http = 401): WireStatus => ({ grpc, http, message });

/** Status and message of each reason. Only an expired credential's message contains "expired". */
export const statusOf: Readonly<Record<Reason, WireStatus>> = Object.freeze({
  CREDENTIALS_MISSING: wire("Authentication required"),
  CREDENTIALS_MALFORMED: wire("Credentials malformed"),
  CREDENTIALS_AMBIGUOUS: wire("More than one credential"),
  TOKEN_INVALID: wire("Token invalid"),
  TOKEN_EXPIRED: wire("Token expired"),
  TOKEN_REVOKED: wire("Token revoked"),
  API_KEY_INVALID: wire("API key invalid"),
  API_KEY_EXPIRED: wire("API key expired"),
  API_KEY_REVOKED: wire("API key revoked"),
  API_KEY_DISABLED: wire("API key disabled"),
  USER_DISABLED: wire("User disabled"),
  LOGIN_FAILED: wire("Invalid credentials"),
  MFA_REQUIRED: wire("Second factor required"),
  PERMISSION_DENIED: wire("Permission denied", 7, 403),
  RATE_LIMITED: wire("Rate limit exceeded", 8, 429),
  QUOTA_EXCEEDED: wire("Quota exceeded", 8, 429),
  UNAVAILABLE: wire("Authentication temporarily unavailable", 14, 503),
});

/** A refusal. A value, not an exception: adapters render it, nobody catches it. */
export interface Denial {
  readonly reason: Reason;
  /** Safe to send to the caller. */
  readonly message: string;
  /** Values for `WWW-Authenticate` (RFC 9110 section 11.6.1), most specific first. */
  readonly challenges: readonly string[];
  /** When to try again, for `RATE_LIMITED` and `QUOTA_EXCEEDED`. */
  readonly retryAfterSeconds?: number;
  /** Whose allowance is used up, and which, for `QUOTA_EXCEEDED`. */
  readonly quota?: QuotaViolation;
  /** It ends a stream that was open: the handler has run, and whoever asks again has to know. */
  readonly cutOff?: true;
  /** For logs only; adapters never send it. It holds no part of a credential. */
  readonly cause?: unknown;
  /** For logs only: whose credential it was, where that was recognised. */
  readonly subject?: DenialSubject;
  /** For logs only: the name of the authenticator that recognised the credential. */
  readonly authenticator?: string;
  /** For logs only: the part of the rule that refused, as it reads in a listing. */
  readonly missing?: string;
}

/** A line of `google.rpc.QuotaFailure`: the caller's own, and nothing that it may not know. */
export interface QuotaViolation {
  /** `user:7` */
  readonly subject: string;
  readonly description: string;
}

/** Who was refused, as far as it was known. */
export interface DenialSubject {
  readonly userId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly apiKeyId?: string | undefined;
}

/** What a denial may say beyond its reason. */
export interface DenialDetail {
  readonly message?: string;
  readonly challenges?: readonly string[];
  readonly retryAfterSeconds?: number;
  readonly quota?: QuotaViolation;
  readonly cause?: unknown;
  readonly subject?: DenialSubject;
  readonly missing?: string;
}

const noChallenges: readonly string[] = Object.freeze([]);

/** Builds a frozen denial with the constant message of its reason, unless the rule has a message of its own. */
export function denial(reason: Reason, detail: DenialDetail = {}): Denial {
  return Object.freeze({
    reason,
    message: statusOf[reason].message,
    challenges: noChallenges,
    ...detail,
  });
}
