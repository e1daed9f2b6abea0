import type { Header } from "./clients/client.ts";
import { mistyped, unknownKey, withWrongSecret } from "./forged-keys.ts";
import { callers, type Scenario } from "./scenario.ts";
import { tokenScenarios } from "./token-scenarios.ts";

/** Keys, and everything that is not about tokens; then the tokens. */
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
    takes: "any-name",
  },
  {
    name: "a good key and somebody else's identity in metadata",
    headers: ({ keys }) => [...key(keys.alice), ...impostor],
    gives: callers.alice,
    takes: "any-name",
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
