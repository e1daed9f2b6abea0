import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { GoodKey, NoKey } from "../authenticator/key-lookup.ts";
import type { Authenticator } from "../core/authenticator.ts";
import { CallError } from "../core/call-error.ts";
import type { Allowed, MaybePromise } from "../core/decision.ts";
import { isLimited, type Principal, permissionsOf } from "../core/principal.ts";
import type { RevocationView } from "../core/revocation.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import { isForService, serviceScope } from "../core/service-scope.ts";
import type { ApiKeyResponseSchema } from "../gen/auth/v1/auth_pb.ts";
import { accountMessage } from "./account-message.ts";
import { type AskingLimits, createAskingLimits, isGuess } from "./asking-limits.ts";
import type { ValidateApiKey } from "./auth-service.ts";
import { isVisibleTo } from "./tenancy.ts";

export interface ValidatesApiKeysOptions {
  /** What says whether a key is good. */
  readonly authenticator: Authenticator<Principal>;
  readonly revocations: RevocationView;
  /** Reads a key and its owner for guards in other processes, which remember the answer. Without it nobody is told details. */
  readonly find?: ((key: string) => MaybePromise<GoodKey | NoKey>) | undefined;
  /** How often one caller may ask. Default: those of this process. */
  readonly limits?: AskingLimits | undefined;
  /** What the roles of keys and their owners stand for. */
  readonly roles?: RoleDirectory | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

const invalid = Object.freeze({ valid: false, clientId: "", permissions: [] });

/** Who may follow the revocation log guards a service: what it asks about, others have sent to it. */
const watching = "auth.revocations:watch";

/** Answers `AuthService.ValidateApiKey`. A key that is not good is told without its reason, but to guards. */
export function validatesApiKeys(options: ValidatesApiKeysOptions): ValidateApiKey {
  const { authenticator, revocations, roles, limits = createAskingLimits(), now = Date.now, find } = options;
  const authenticate = authenticator.start({ revocations, roles, now, sole: true });
  return async (request, context) => {
    const caller = context.requireUser();
    if (request.detailed) {
      context.requirePermission(watching);
      if (find === undefined) throw new CallError("UNIMPLEMENTED", "this server tells no details of keys");
      // Not limited as others are: a stranger's guesses there must not keep good keys out.
      return detailsOf(await find(request.apiKey));
    }
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
  if (principal === undefined || !isForService(principal, serviceName)) return invalid;
  return {
    valid: true,
    clientId: principal.clientId ?? "",
    permissions: listed(principal),
    ...(Number.isFinite(expiresAt) && { expiresAt: timestampFromMs(expiresAt) }),
  };
}

function detailsOf(found: GoodKey | NoKey): MessageInitShape<typeof ApiKeyResponseSchema> {
  if (!found.ok) {
    const { reason, subject } = found;
    return { ...invalid, details: { reason, id: subject?.apiKeyId ?? "" } };
  }
  const { id, name, type, scopes, roles, expiresAt, graceEndsAt, addressRanges, methods } = found.key;
  return {
    valid: true,
    clientId: id,
    ...(expiresAt !== undefined && { expiresAt: timestampFromMs(expiresAt.getTime()) }),
    details: {
      ...{ id, name, type },
      scopes: [...scopes],
      roles: [...roles],
      addressRanges: [...addressRanges],
      methods: [...methods],
      limits: found.key.callLimits.map(({ calls, per }) => ({ calls: BigInt(calls), per })),
      ...(graceEndsAt !== undefined && { graceEndsAt: timestampFromMs(graceEndsAt.getTime()) }),
      owner: accountMessage(found.owner),
    },
  };
}

/** The scopes that name a service. */
export function scopesOfServices({ apiKey }: Principal): readonly string[] {
  return (apiKey?.scopes ?? []).filter((scope) => scope.startsWith(serviceScope));
}

/** What `grants()` would say yes to. A superuser's key without limits has no list: it may everything but `auth.…`. */
function listed(principal: Principal): string[] {
  const { isSuperuser, apiKey } = principal;
  if (isSuperuser && (apiKey === undefined || !isLimited(apiKey))) return [];
  return permissionsOf(principal).filter((text) => !text.startsWith(serviceScope));
}
