import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { allowanceOf } from "../core/call-allowance.ts";
import { invalidArgument } from "../core/call-error.ts";
import { beyond } from "../core/permission-set.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import { withinRestrictions } from "../keys/key-restriction.ts";
import type { ApiKeyLimits, ApiKeyRecord } from "../store/api-key-contracts.ts";

/** What a key has to name to pass as staff or superuser; no pattern stands for it. */
const flags = ["staff", "superuser"];

/** May a caller that came with this key hand out such limits? What may do more than the key itself it may not, now or when a role changes. */
function isWithin(
  own: Pick<ApiKeyRecord, keyof ApiKeyLimits>,
  { scopes, roles, ...more }: ApiKeyLimits,
  { caller, directory }: { readonly caller: Principal; readonly directory: RoleDirectory },
): boolean {
  return (
    scopes.length + roles.length > 0 &&
    roles.every((role) => own.roles.includes(role)) &&
    flags.every((flag) => !scopes.includes(flag) || own.scopes.includes(flag)) &&
    beyond(own.scopes, scopes) === undefined &&
    beyond(caller.apiKey?.limits ?? own.scopes, directory.permissionsOf(roles, scopes)) === undefined &&
    withinRestrictions(more, own) &&
    own.callLimits.every(({ per, calls }) =>
      more.callLimits.some((one) => one.per === per && one.calls <= calls),
    )
  );
}

export interface KeyRankParts {
  readonly caller: Principal;
  /** The key that the caller came with, as it is stored. Undefined for one from configuration. */
  readonly own: ApiKeyRecord | undefined;
  readonly directory: RoleDirectory;
}

/** A key makes no key, and makes of no key one, that may do more than itself. */
export function requireOwnLimits(limits: ApiKeyLimits, { caller, own, directory }: KeyRankParts): void {
  const { apiKey } = caller;
  if (apiKey === undefined) return;
  const { scopes, roles = [], callLimits: counted = [] } = apiKey;
  const callLimits = counted.map(allowanceOf).filter((allowance) => allowance !== undefined);
  const held = own ?? { scopes, roles, callLimits, addressRanges: [], methods: [] };
  if (isWithin(held, limits, { caller, directory })) return;
  throw invalidArgument({
    field: "scopes",
    description:
      "a key can pass on its own scopes, roles, address ranges, methods and limits only, and has to name them",
  });
}

/** Nor one that lives longer. */
export function requireOwnLifetime(
  own: ApiKeyRecord | undefined,
  expiresAt: Timestamp | Date | undefined,
): void {
  const end = own?.graceEndsAt ?? own?.expiresAt;
  if (end === undefined) return;
  const wanted = expiresAt === undefined || expiresAt instanceof Date ? expiresAt : timestampDate(expiresAt);
  if (wanted !== undefined && wanted <= end) return;
  throw invalidArgument({
    field: "expires_at",
    description: "a key makes no key that lives longer than itself",
  });
}

/** A key changes, enables and rotates only what it could have made. */
export function requireOwnKey(record: ApiKeyRecord, parts: KeyRankParts): void {
  try {
    requireOwnLimits(record, parts);
  } catch {
    throw new Refusal("PERMISSION_DENIED", { message: "That key may do more than yours" });
  }
}
