import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Authenticator } from "../core/authenticator.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { RevocationView } from "../core/revocation.ts";
import type { ValidateApiKey } from "./auth-service.ts";

export interface ValidatesApiKeysOptions {
  /** What says whether a key is good. */
  readonly authenticator: Authenticator<Principal>;
  readonly revocations: RevocationView;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

const invalid = Object.freeze({ valid: false, clientId: "", permissions: [] });

/** A scope that names a service: a key that has one is good for those services only. */
const serviceScope = "service:";

/** Answers `AuthService.ValidateApiKey`. A key that is not good is told without its reason. */
export function validatesApiKeys(options: ValidatesApiKeysOptions): ValidateApiKey {
  const { authenticator, revocations, now = Date.now } = options;
  const authenticate = authenticator.start({ revocations, now, sole: true });
  return async ({ apiKey, serviceName }, { call }) => {
    const decision = await authenticate(apiKey, call);
    if (decision === undefined) return invalid;
    if (!decision.ok) {
      // That nobody can tell is no answer about the key.
      if (decision.denial.reason === "UNAVAILABLE") throw new Refusal("UNAVAILABLE");
      return invalid;
    }
    const { principal, expiresAt } = decision;
    const scopes = principal?.apiKey?.scopes ?? [];
    const services = scopes.filter((scope) => scope.startsWith(serviceScope));
    if (services.length > 0 && !services.includes(`${serviceScope}${serviceName}`)) return invalid;
    return {
      valid: true,
      clientId: principal?.clientId ?? "",
      permissions: principal === undefined ? [] : permissionsOf(principal),
      ...(Number.isFinite(expiresAt) && { expiresAt: timestampFromMs(expiresAt) }),
    };
  };
}

/** What `grants()` would say yes to, by name. A superuser's key without scopes has no list: it may everything but `auth.…`. */
function permissionsOf({ isSuperuser, apiKey, permissions }: Principal): string[] {
  if (!isSuperuser) return [...permissions];
  return (apiKey?.scopes ?? []).filter((scope) => !scope.startsWith(serviceScope));
}
