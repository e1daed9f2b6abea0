import type { Cast } from "./cast.ts";
import type { Ability, Header } from "./clients/client.ts";
import { type Procedure, type Rank, ranks } from "./procedures.ts";

/** The refusals of DESIGN's table that keys and tokens lead to, and what stands there for each. */
export const refusals = {
  CREDENTIALS_MISSING: { code: 16, message: "Authentication required" },
  CREDENTIALS_MALFORMED: { code: 16, message: "Credentials malformed" },
  CREDENTIALS_AMBIGUOUS: { code: 16, message: "More than one credential" },
  TOKEN_INVALID: { code: 16, message: "Token invalid" },
  TOKEN_EXPIRED: { code: 16, message: "Token expired" },
  TOKEN_REVOKED: { code: 16, message: "Token revoked" },
  API_KEY_INVALID: { code: 16, message: "API key invalid" },
  API_KEY_EXPIRED: { code: 16, message: "API key expired" },
  API_KEY_REVOKED: { code: 16, message: "API key revoked" },
  API_KEY_DISABLED: { code: 16, message: "API key disabled" },
  USER_DISABLED: { code: 16, message: "User disabled" },
  PERMISSION_DENIED: { code: 7, message: "Permission denied" },
  UNAVAILABLE: { code: 14, message: "Authentication temporarily unavailable" },
} as const;
export type Reason = keyof typeof refusals;

/** Whom a credential stands for. */
export interface Caller {
  readonly name: string;
  readonly rank: Rank;
}

export const callers = {
  nobody: { name: "", rank: "nobody" },
  alice: { name: "alice", rank: "user" },
  sam: { name: "sam", rank: "staff" },
  admin: { name: "admin", rank: "superuser" },
} as const satisfies Record<string, Caller>;

/** What is sent with a call, and what that makes of the caller. */
export interface Scenario {
  readonly name: string;
  readonly headers: (cast: Cast) => readonly Header[] | Promise<readonly Header[]>;
  /** The caller, or why the credential is refused whatever is called. */
  readonly gives: Caller | Reason;
  /** What a client must be able to send. Default: what any client can. */
  readonly takes?: Ability;
  /** For doors that see a header that came twice, or for those that see one of them. Default: for all. */
  readonly where?: "sees-twice" | "sees-one";
  /** Also for clients that are slow. */
  readonly brief?: true;
}

/** What a call must end with: the caller it was taken for, or its refusal. */
export type Expectation =
  | { readonly allowed: Caller }
  | {
      readonly allowed?: undefined;
      readonly code: number;
      readonly message: string;
      readonly reason: Reason;
    };

/** A credential against a rule, in so few lines that reading is enough to check them. */
export function expectationOf(gives: Caller | Reason, { needs, refusal }: Procedure): Expectation {
  if (typeof gives === "string") return { ...refusals[gives], reason: gives };
  if (ranks.indexOf(gives.rank) >= ranks.indexOf(needs)) return { allowed: gives };
  if (gives.rank === "nobody") return { ...refusals.CREDENTIALS_MISSING, reason: "CREDENTIALS_MISSING" };
  return { code: 7, message: refusal ?? refusals.PERMISSION_DENIED.message, reason: "PERMISSION_DENIED" };
}
