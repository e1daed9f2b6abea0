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
import { keptName } from "../store/fold-case.ts";

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

/** What is wrong with a field, or with some members of it: `[0].calls` and its description. */
type Found = string | readonly (readonly [place: string, description: string])[] | undefined;

type Look = (fields: KeyFields, now: Date) => Found;

/** How many members of a list are told of: what a caller can be told about a request has little room. */
const mostTold = 10;

/** What may be wrong with each field, by its name in the proto. */
const looks: Readonly<Record<string, Look>> = {
  name: ({ name }) =>
    name !== undefined && (name === "" || keptName(name).length > 100 || hasHidden.test(name))
      ? "1 to 100 characters that can be seen, and no blank at the ends"
      : undefined,
  type: ({ type }) =>
    type !== undefined && type !== "" && !keyTypes.includes(type)
      ? `one of ${keyTypes.join(", ")}`
      : undefined,
  description: ({ description = "" }) => (description.length > 500 ? "at most 500 characters" : undefined),
  scopes: ({ scopes = [] }) => lookAtEach(scopes, 100, permissionProblem),
  roles: ({ roles = [] }) =>
    lookAtEach(roles, 100, (name) => (isRoleName(name) ? undefined : "not the name of a role")),
  address_ranges: ({ addressRanges = [] }) => lookAtEach(addressRanges, 100, addressRangeProblem),
  methods: ({ methods = [] }) =>
    lookAtEach(methods, 100, (text) =>
      normalMethod(text) === undefined ? "such as /package.Service/Method or /package.Service/*" : undefined,
    ),
  tags: ({ tags = [] }) =>
    lookAtEach(tags, 20, (tag) =>
      /^[\w.:/=-]{1,64}$/.test(tag) ? undefined : "1 to 64 letters, digits and . _ : / = -",
    ),
  limits: ({ limits = [] }) => limitProblems(limits),
  expires_at: ({ expiresAt }, now) =>
    expiresAt !== undefined && !(timestampDate(expiresAt) > now) ? "has passed already" : undefined,
};

/** What is wrong with these fields, each by its name: `tags[2]` is the third of the tags. */
export function fieldViolations(fields: KeyFields, now: Date): FieldViolation[] {
  return Object.entries(looks).flatMap(([field, look]) => {
    const found = look(fields, now) ?? [];
    if (typeof found === "string") return [{ field, description: found }];
    return found.slice(0, mostTold).map(([place, description]) => ({ field: field + place, description }));
  });
}

function lookAtEach(
  texts: readonly string[],
  most: number,
  problemOf: (text: string) => string | undefined,
): Found {
  if (texts.length > most) return `at most ${most}`;
  return texts.flatMap((text, index) => {
    const problem = problemOf(text);
    return problem === undefined ? [] : [[`[${index}]`, problem] as const];
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

function limitProblems(limits: readonly { readonly calls: bigint; readonly per: string }[]): Found {
  const before = new Set<string>();
  return limits.flatMap(({ calls, per }, index) => {
    const found: (readonly [string, string])[] = [];
    if (!(allowancePeriods as readonly string[]).includes(per))
      found.push([`[${index}].per`, `one of ${allowancePeriods.join(", ")}`]);
    else if (before.has(per)) found.push([`[${index}].per`, "one for each period"]);
    before.add(per);
    if (calls < 1n || calls > 1_000_000_000_000n)
      found.push([`[${index}].calls`, "a number from 1 to 1,000,000,000,000"]);
    return found;
  });
}
