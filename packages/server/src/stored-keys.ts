import type { Authenticator, Principal } from "countersign";
import { apiKey, importedKey, type Pepper, type StoredKeyOptions } from "countersign/api-key";
import { createSeal, importPurpose } from "countersign/service";
import type { HygieneRules, Redigested, Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import type { FairQueue } from "./fair-queue.ts";
import { deriveKeys } from "./master-key.ts";
import { createHashQueue, slowHashes } from "./passwords.ts";

/** The peppers of the configuration, the current one first. */
export function peppersOf({ auth, secrets }: Config): readonly [Pepper, ...Pepper[]] {
  if (secrets.pepper === undefined) throw new ConfigError("auth.api_keys.pepper is missing");
  return [{ id: auth.api_keys.pepper_id, secret: secrets.pepper }, ...secrets.previousPeppers];
}

/** What stored keys are checked with. */
export interface StoredKeyParts {
  readonly config: Config;
  readonly store: Store;
  readonly hashing?: FairQueue | undefined;
  readonly onScopeUsed?: ((keyId: string, scope: string) => void) | undefined;
  /** Hears of keys that are still stored under an older pepper. */
  readonly onOlderPepper?: ((change: Redigested) => void) | undefined;
}

/** What differs where a key is a value in a request, and not a header of it. */
type Form = Pick<StoredKeyOptions<Principal>, "header" | "scheme" | "restricted">;

/** A credential that is a value in a request stands alone, and in no header: not even the scheme of a challenge is before it. */
export const bareValue = Object.freeze({ header: "value", scheme: "" });

/** API keys of our own. */
export function keyAuthenticator(parts: StoredKeyParts, form: Form = {}): Authenticator<Principal> {
  return apiKey({ ...common(parts), keys: parts.store.apiKeys, ...form });
}

/** API keys that were made elsewhere. */
export function importedKeyAuthenticator(parts: StoredKeyParts, form: Form = {}): Authenticator<Principal> {
  const { config, store, hashing = createHashQueue() } = parts;
  return importedKey({
    ...common(parts),
    imports: store.keyImports,
    openSecret: (sealed) => importSeal(config).open(sealed),
    verifySlowHash: slowHashes(hashing),
    sharedAddresses: config.auth.limits.shared_addresses,
    ...form,
  });
}

/** Keys as others present them for a question: who presented them first, and from where, is not known. */
export function presentedKeys(parts: StoredKeyParts): Authenticator<Principal> {
  const form = { ...bareValue, restricted: "refused" } as const;
  const [own, imported] = [keyAuthenticator(parts, form), importedKeyAuthenticator(parts, form)];
  return {
    ...own,
    start(runtime) {
      const [first, second] = [own.start(runtime), imported.start(runtime)];
      return (value, call) => first(value, call) ?? second(value, call);
    },
  };
}

/** Seals what keys of others were hashed with. Throws a `ConfigError`, at its use, where there is no master key. */
export function importSeal(config: Pick<Config, "secrets">): {
  seal(secret: Uint8Array): Uint8Array;
  open(sealed: Uint8Array): Uint8Array;
} {
  const seal = () => createSeal(...deriveKeys(config).seal);
  return {
    seal: (secret) => seal().seal(secret, importPurpose),
    open: (sealed) => seal().open(sealed, importPurpose),
  };
}

const dayMs = 86_400_000;

/** What is taken for untidy. */
export function hygieneOf({ auth }: Pick<Config, "auth">): HygieneRules {
  const { unused_after: unusedAfter, many_addresses: manyAddresses } = auth.api_keys;
  return { unusedDays: Math.max(1, Math.round(unusedAfter / 86_400)), manyAddresses };
}

/** Since when usage is kept. */
export function usageKept({ auth }: Pick<Config, "auth">, now: Date): { hours: Date; days: Date; now: Date } {
  const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);
  const days = before(auth.api_keys.daily_usage_kept);
  return {
    hours: before(auth.api_keys.hourly_usage_kept),
    days: new Date(Math.floor(days.getTime() / dayMs) * dayMs),
    now,
  };
}

function common({ config, store, onScopeUsed, onOlderPepper }: StoredKeyParts): StoredKeyOptions<Principal> {
  const { header, scheme, prefix } = config.auth.api_keys;
  const peppers = peppersOf(config);
  return { users: store.users, peppers, onOlderPepper, header, scheme, prefix, onScopeUsed };
}
