import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Authenticator } from "../core/authenticator.ts";
import { isLimited, keyNames, type Principal, permissionsOf } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { RevocationView } from "../core/revocation.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { ValidateApiKey } from "./auth-service.ts";

export interface ValidatesApiKeysOptions {
  /** What says whether a key is good. */
  readonly authenticator: Authenticator<Principal>;
  readonly revocations: RevocationView;
  /** What the roles of keys and their owners stand for. */
  readonly roles?: RoleDirectory | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

const invalid = Object.freeze({ valid: false, clientId: "", permissions: [] });

/** A scope that names a service: a key that has one is good for those services only. */
const serviceScope = "service:";

/** Answers `AuthService.ValidateApiKey`. A key that is not good is told without its reason. */
export function validatesApiKeys(options: ValidatesApiKeysOptions): ValidateApiKey {
  const { authenticator, revocations, roles, now = Date.now } = options;
  const authenticate = authenticator.start({ revocations, roles, now, sole: true });
  return async ({ apiKey, serviceName }, { call }) => {
    const decision = await authenticate(apiKey, call);
    if (decision === undefined) return invalid;
    if (!decision.ok) {
      // That nobody can tell is no answer about the key.
      if (decision.denial.reason === "UNAVAILABLE") throw new Refusal("UNAVAILABLE");
      return invalid;
    }
    const { principal, expiresAt } = decision;
    if (principal === undefined || !isForService(principal, `${serviceScope}${serviceName}`)) return invalid;
    return {
      valid: true,
      clientId: principal.clientId ?? "",
      permissions: listed(principal),
      ...(Number.isFinite(expiresAt) && { expiresAt: timestampFromMs(expiresAt) }),
    };
  };
}

/** A key whose scopes name services is good for these; any key, unless it is denied it, for all of them. */
function isForService({ apiKey }: Principal, scope: string): boolean {
  if (apiKey === undefined) return true;
  const namesServices = apiKey.scopes.some((text) => text.startsWith(serviceScope));
  return namesServices ? keyNames(apiKey, scope) : apiKey.limits?.denies?.(scope) !== true;
}

/** What `grants()` would say yes to. A superuser's key without limits has no list: it may everything but `auth.…`. */
function listed(principal: Principal): string[] {
  const { isSuperuser, apiKey } = principal;
  if (isSuperuser && (apiKey === undefined || !isLimited(apiKey))) return [];
  return permissionsOf(principal).filter((text) => !text.startsWith(serviceScope));
}
