import type { Cast } from "./cast.ts";
import type { Ability, Header } from "./clients/client.ts";
import { mistyped, unknownKey, withWrongSecret } from "./forged-keys.ts";
import { type Procedure, type Rank, ranks } from "./procedures.ts";
import { tokenScenarios } from "./token-scenarios.ts";

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
  /** Also for clients that are slow. */
  readonly brief?: true;
}

export const scenarios: readonly Scenario[] = [
  { name: "no credential", headers: () => [], gives: callers.nobody, brief: true },
  { name: "a good key", headers: ({ keys }) => key(keys.alice), gives: callers.alice, brief: true },
  { name: "a staff user's key", headers: ({ keys }) => key(keys.sam), gives: callers.sam },
  { name: "a superuser's key", headers: ({ keys }) => key(keys.admin), gives: callers.admin },
  {
    name: "a scoped key of a staff user's, without the scope",
    headers: ({ keys }) => key(keys.samScoped),
    gives: { name: "sam", rank: "user" },
  },
  {
    name: "a scoped key that has the scope staff",
    headers: ({ keys }) => key(keys.samScopedStaff),
    gives: callers.sam,
  },
  {
    name: "a wrong secret",
    headers: ({ keys }) => key(withWrongSecret(keys.alice)),
    gives: "API_KEY_INVALID",
    brief: true,
  },
  { name: "an unknown key", headers: ({ keys }) => key(unknownKey(keys.alice)), gives: "API_KEY_INVALID" },
  { name: "a mistyped key", headers: ({ keys }) => key(mistyped(keys.alice)), gives: "API_KEY_INVALID" },
  {
    name: "a key that lacks its end",
    headers: ({ keys }) => key(keys.alice.slice(0, -1)),
    gives: "API_KEY_INVALID",
  },
  {
    name: "a key of another maker",
    headers: () => key("sk-prod-0123456789abcdef"),
    gives: "API_KEY_INVALID",
  },
  { name: "a token in place of a key", headers: ({ tokens }) => key(tokens.alice), gives: "API_KEY_INVALID" },
  { name: "an expired key", headers: ({ keys }) => key(keys.expired), gives: "API_KEY_EXPIRED" },
  { name: "a revoked key", headers: ({ keys }) => key(keys.revoked), gives: "API_KEY_REVOKED" },
  {
    name: "a key revoked in use",
    headers: ({ keys }) => key(keys.revokedInUse),
    gives: "API_KEY_REVOKED",
    brief: true,
  },
  { name: "a disabled key", headers: ({ keys }) => key(keys.disabled), gives: "API_KEY_DISABLED" },
  {
    name: "a key disabled in use",
    headers: ({ keys }) => key(keys.disabledInUse),
    gives: "API_KEY_DISABLED",
  },
  { name: "a disabled owner's key", headers: ({ keys }) => key(keys.ownerDisabled), gives: "USER_DISABLED" },
  { name: "a deleted owner's key", headers: ({ keys }) => key(keys.ownerDeleted), gives: "API_KEY_REVOKED" },
  {
    name: "a key that the server cannot check",
    headers: ({ keys }) => key(keys.unknownPepper),
    gives: "UNAVAILABLE",
  },
  { name: "an empty key", headers: () => key(""), gives: "CREDENTIALS_MALFORMED" },
  { name: "a key with a space", headers: ({ keys }) => key(`${keys.alice} x`), gives: "API_KEY_INVALID" },
  { name: "SQL for a key", headers: () => key("' OR '1'='1"), gives: "CREDENTIALS_MALFORMED" },
  { name: "20 kB for a key", headers: () => key("a".repeat(20_000)), gives: "CREDENTIALS_MALFORMED" },
  {
    name: "a comma in a key",
    headers: ({ keys }) => key(`${keys.alice},${keys.sam}`),
    gives: "CREDENTIALS_AMBIGUOUS",
  },
  {
    name: "x-api-key twice",
    headers: ({ keys }) => [...key(keys.alice), ...key(keys.sam)],
    gives: "CREDENTIALS_AMBIGUOUS",
    takes: "repeated",
  },
  {
    name: "x-api-key twice with one key",
    headers: ({ keys }) => [...key(keys.alice), ...key(keys.alice)],
    gives: "CREDENTIALS_AMBIGUOUS",
    takes: "repeated",
  },
  {
    name: "a key and a token",
    headers: ({ keys, tokens }) => [...key(keys.alice), ["authorization", `Bearer ${tokens.alice}`]],
    gives: "CREDENTIALS_AMBIGUOUS",
    brief: true,
  },
  {
    name: "a bad key and a good token",
    headers: ({ tokens }) => [...key("nonsense"), ["authorization", `Bearer ${tokens.admin}`]],
    gives: "CREDENTIALS_AMBIGUOUS",
  },
  {
    name: "identities in metadata that only a server may set",
    headers: () => impostor,
    gives: callers.nobody,
  },
  {
    name: "a good key and somebody else's identity in metadata",
    headers: ({ keys }) => [...key(keys.alice), ...impostor],
    gives: callers.alice,
  },
  ...tokenScenarios,
];

function key(value: string): readonly Header[] {
  return [["x-api-key", value]];
}

const impostor: readonly Header[] = [
  ["user_id", "1"],
  ["x-user-id", "1"],
  ["x-forwarded-user", "admin"],
  ["x-authenticated-user", "admin"],
  ["is_superuser", "true"],
  ["permissions", "users:list"],
];

/** What a call must end with: the caller it was taken for, or its refusal. */
export type Expectation =
  | { readonly allowed: Caller }
  | {
      readonly allowed?: undefined;
      readonly code: number;
      readonly message: string;
      readonly reason: Reason;
    };

/** The table above crossed with the rules: one line of thought, so that it can be checked by reading. */
export function expectationOf(gives: Caller | Reason, { needs, refusal }: Procedure): Expectation {
  if (typeof gives === "string") return { ...refusals[gives], reason: gives };
  if (ranks.indexOf(gives.rank) >= ranks.indexOf(needs)) return { allowed: gives };
  if (gives.rank === "nobody") return { ...refusals.CREDENTIALS_MISSING, reason: "CREDENTIALS_MISSING" };
  return { code: 7, message: refusal ?? refusals.PERMISSION_DENIED.message, reason: "PERMISSION_DENIED" };
}
