import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Authenticator } from "../core/authenticator.ts";
import type { Allowed } from "../core/decision.ts";
import { isLimited, keyNames, type Principal, permissionsOf } from "../core/principal.ts";
import type { RevocationView } from "../core/revocation.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { ApiKeyResponseSchema } from "../gen/auth/v1/auth_pb.ts";
import { type AskingLimits, createAskingLimits, isGuess } from "./asking-limits.ts";
import type { ValidateApiKey } from "./auth-service.ts";
import { isVisibleTo } from "./tenancy.ts";

export interface ValidatesApiKeysOptions {
  /** What says whether a key is good. */
  readonly authenticator: Authenticator<Principal>;
  readonly revocations: RevocationView;
  /** How often one caller may ask. Default: those of this process. */
  readonly limits?: AskingLimits | undefined;
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
  const { authenticator, revocations, roles, limits = createAskingLimits(), now = Date.now } = options;
  const authenticate = authenticator.start({ revocations, roles, now, sole: true });
  return async (request, context) => {
    const caller = context.requireUser();
    await limits.ask(caller);
    const decision = await authenticate(request.apiKey, context.call);
    const hidden = decision?.ok === true && !isVisibleTo(caller, decision.principal ?? {});
    if (hidden || isGuess(decision)) await limits.wasWrong(caller);
    return decision?.ok === true && !hidden ? answerOf(decision, request.serviceName) : invalid;
  };
}

function answerOf(
  { principal, expiresAt }: Allowed<Principal>,
  serviceName: string,
): MessageInitShape<typeof ApiKeyResponseSchema> {
  if (principal === undefined || !isForService(principal, `${serviceScope}${serviceName}`)) return invalid;
  return {
    valid: true,
    clientId: principal.clientId ?? "",
    permissions: listed(principal),
    ...(Number.isFinite(expiresAt) && { expiresAt: timestampFromMs(expiresAt) }),
  };
}

/** The scopes that name a service. */
export function scopesOfServices({ apiKey }: Principal): readonly string[] {
  return (apiKey?.scopes ?? []).filter((scope) => scope.startsWith(serviceScope));
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
