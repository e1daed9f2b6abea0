import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type AllowancePeriod, allowancePeriods, type CallAllowance } from "../core/call-allowance.ts";
import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { permissionProblem } from "../core/permission.ts";
import { Refusal } from "../core/refusal.ts";
import { isRoleName } from "../core/role.ts";
import { addressRangeProblem, normalMethod } from "../keys/key-restriction.ts";
import type { ApiKeyLimits, ApiKeyRecord, ApiKeyStatus } from "../store/api-key-contracts.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";
import { Conflict } from "../store/contracts.ts";

const keyTypes = ["service", "cli", "webhook", "internal", "development"];
const statuses: readonly ApiKeyStatus[] = ["active", "disabled", "expired", "revoked"];

/** What requests may say of a key. A member that is undefined is not looked at. */
export interface KeyFields {
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly addressRanges?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly limits?: readonly { readonly calls: bigint; readonly per: string }[] | undefined;
  readonly expiresAt?: Timestamp | undefined;
}

/** What cannot be seen: two names that look alike would be two keys. */
const hasHidden = /^\s|\s$|[\p{Cc}\p{Cf}]/u;

type Look = (fields: KeyFields, now: Date) => string | undefined;

/** What may be wrong with each field, by its name in the proto. */
const looks: Readonly<Record<string, Look>> = {
  name: ({ name }) =>
    name !== undefined && (name === "" || name.length > 100 || hasHidden.test(name))
      ? "1 to 100 characters that can be seen, and no blank at the ends"
      : undefined,
  type: ({ type }) =>
    type !== undefined && type !== "" && !keyTypes.includes(type)
      ? `one of ${keyTypes.join(", ")}`
      : undefined,
  description: ({ description = "" }) => (description.length > 500 ? "at most 500 characters" : undefined),
  scopes: ({ scopes = [] }) =>
    scopes.length > 100
      ? "at most 100"
      : scopes.map(permissionProblem).find((problem) => problem !== undefined),
  roles: ({ roles = [] }) =>
    roles.length > 100 || !roles.every(isRoleName) ? "at most 100 names of roles" : undefined,
  address_ranges: ({ addressRanges = [] }) =>
    addressRanges.length > 100
      ? "at most 100"
      : addressRanges.map(addressRangeProblem).find((problem) => problem !== undefined),
  methods: ({ methods = [] }) =>
    methods.length > 100 || methods.some((text) => normalMethod(text) === undefined)
      ? "at most 100, such as /package.Service/Method or /package.Service/*"
      : undefined,
  tags: ({ tags = [] }) =>
    tags.length > 20 || !tags.every((tag) => /^[\w.:/=-]{1,64}$/.test(tag))
      ? "at most 20, each 1 to 64 letters, digits and . _ : / = -"
      : undefined,
  limits: ({ limits = [] }) => limitsProblem(limits),
  expires_at: ({ expiresAt }, now) =>
    expiresAt !== undefined && !(timestampDate(expiresAt) > now) ? "has passed already" : undefined,
};

/** What is wrong with these fields, each by its name. */
export function fieldViolations(fields: KeyFields, now: Date): FieldViolation[] {
  return Object.entries(looks).flatMap(([field, look]) => {
    const description = look(fields, now);
    return description === undefined ? [] : [{ field, description }];
  });
}

/** Throws `INVALID_ARGUMENT` that names each wrong field. */
export function requireNone(violations: readonly FieldViolation[]): void {
  const [first, ...rest] = violations;
  if (first !== undefined) throw invalidArgument(first, ...rest);
}

/** The limits of a request, as they are stored: each once, and in the usual spelling. */
export function limitsOf({ scopes, roles, addressRanges, methods, limits }: KeyFields): ApiKeyLimits {
  return {
    scopes: scopes ?? [],
    roles: [...new Set(roles)],
    addressRanges: [...new Set(addressRanges)],
    methods: [...new Set(methods?.flatMap((text) => normalMethod(text) ?? []))],
    callLimits: (limits ?? []).map(
      ({ calls, per }): CallAllowance => ({ calls: Number(calls), per: per as AllowancePeriod }),
    ),
  };
}

/** What the store found against it, in the words of the request. */
export async function namesChecked<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    // Revoked since it was let in.
    if (error.field === "madeBy") throw new Refusal("API_KEY_REVOKED");
    const field = error.field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const violation = { field, description: error.message };
    // What it says is right; what is there does not allow it.
    if (field === "id" || field === "expires_at")
      throw new CallError("FAILED_PRECONDITION", error.message, [violation]);
    throw invalidArgument(violation);
  }
}

export function statusOf(status: string): ApiKeyStatus | undefined {
  return chosen("status", status, statuses);
}

export function typeOf(type: string): string | undefined {
  return chosen("type", type, keyTypes);
}

/** Undefined where nothing was said. Throws INVALID_ARGUMENT for what is none of the choices. */
function chosen<T extends string>(field: string, given: string, choices: readonly T[]): T | undefined {
  if (given === "") return undefined;
  const known = choices.find((candidate) => candidate === given);
  if (known === undefined) throw invalidArgument({ field, description: `one of ${choices.join(", ")}` });
  return known;
}

/** Throws FAILED_PRECONDITION for a key that is over for good. */
export function requireUnrevoked(key: ApiKeyRecord, now: Date): void {
  if (apiKeyStatus(key, now) === "revoked")
    throw new CallError("FAILED_PRECONDITION", "A revoked key stays revoked", [
      { field: "id", description: "this key is revoked" },
    ]);
}

function limitsProblem(
  limits: readonly { readonly calls: bigint; readonly per: string }[],
): string | undefined {
  const periods = limits.map(({ per }) => per);
  if (!periods.every((per) => (allowancePeriods as readonly string[]).includes(per)))
    return `per: one of ${allowancePeriods.join(", ")}`;
  if (new Set(periods).size < periods.length) return "one for each period";
  const counts = limits.map(({ calls }) => calls);
  return counts.every((calls) => calls >= 1n && calls <= 1_000_000_000_000n)
    ? undefined
    : "calls: a number from 1 to 1,000,000,000,000";
}
