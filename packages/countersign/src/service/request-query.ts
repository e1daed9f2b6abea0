import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { type Reason, statusOf } from "../core/denial.ts";
import type { RequestFilter as FilterMessage, StatisticsOf } from "../gen/auth/v1/logs_pb.ts";
import type {
  RequestDimension,
  RequestFilter,
  RequestPosition,
  TimeRange,
} from "../store/request-contracts.ts";
import { codeNames } from "./code-names.ts";
import { readPageToken } from "./page.ts";

const texts = ["userId", "apiKeyId", "procedure", "authenticator", "requestId", "text"] as const;
const longestText = 256;
const protocols: readonly string[] = ["grpc", "connect", "grpc-web", "http"];

/** Reads a filter. Throws `INVALID_ARGUMENT` for what finds nothing because it cannot be. */
export function readFilter(given: FilterMessage | undefined): RequestFilter {
  if (given === undefined) return {};
  const [problem, ...others] = problemsOf(given);
  if (problem !== undefined) throw invalidArgument(problem, ...others);
  const text = (value: string): string | undefined => (value === "" ? undefined : value);
  return {
    userId: text(given.userId),
    apiKeyId: text(given.apiKeyId),
    status: text(given.status) as RequestFilter["status"],
    codes: given.codes.map((name) => codeNames.indexOf(name)),
    reason: text(given.reason),
    procedure: text(given.procedure),
    protocol: text(given.protocol),
    authenticator: text(given.authenticator),
    requestId: text(given.requestId),
    since: given.since && timestampMs(given.since),
    until: given.until && timestampMs(given.until),
    text: text(given.text),
  };
}

function problemsOf(given: FilterMessage): readonly FieldViolation[] {
  const { status, codes, reason, protocol, since, until } = given;
  const violations: FieldViolation[] = [];
  const add = (field: string, description: string): void => {
    violations.push({ field: `filter.${field}`, description });
  };
  for (const member of texts) {
    const value = given[member];
    const field = member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (value.length > longestText) add(field, `at most ${longestText} characters`);
    else if (value.includes("\0") || !value.isWellFormed())
      add(field, "well-formed text without NUL characters");
  }
  if (!["", "success", "error"].includes(status)) add("status", "success or error");
  if (codes.some((name) => !codeNames.includes(name))) add("codes", statusesOfGrpc);
  if (reason !== "" && !isReason(reason)) add("reason", knownReasons);
  if (protocol !== "" && !protocols.includes(protocol)) add("protocol", `one of ${protocols.join(", ")}`);
  if (isAfter(since, until)) add("since", "not after until");
  return violations;
}

/** Does a stretch of time end before it begins? It would find nothing, whatever there is. */
export function isAfter(since: Timestamp | undefined, until: Timestamp | undefined): boolean {
  return since !== undefined && until !== undefined && timestampMs(since) > timestampMs(until);
}

const statusesOfGrpc = `statuses of gRPC: ${codeNames.join(", ")}`;
const knownReasons = `one of ${Object.keys(statusOf).join(", ")}`;

function isReason(text: string): boolean {
  return Object.hasOwn(statusOf, text as Reason);
}

/** Where a page begins. */
export function readPosition(token: string): RequestPosition | undefined {
  const parts = readPageToken(token, 2)?.map(Number);
  if (parts === undefined) return undefined;
  const [at = Number.NaN, id = Number.NaN] = parts;
  if (Number.isSafeInteger(at) && Number.isSafeInteger(id)) return { at, id };
  throw invalidArgument({ field: "page_token", description: "not a token that this list gave out" });
}

/** Names of dimensions as the API has them. */
const dimensions: ReadonlyMap<string, RequestDimension> = new Map([
  ["procedure", "procedure"],
  ["api_key", "apiKey"],
  ["user", "user"],
  ["reason", "reason"],
  ["code", "code"],
]);

/** What statistics are about; undefined for all calls. A code may be named or numbered. */
export function readOf(
  of: StatisticsOf | undefined,
): { readonly dimension: RequestDimension; readonly value: string } | undefined {
  if (of === undefined) return undefined;
  const dimension = readDimension("of.dimension", of.dimension);
  if (of.value === "" || of.value.length > longestText || of.value.includes("\0") || !of.value.isWellFormed())
    throw invalidArgument({ field: "of.value", description: `1 to ${longestText} characters` });
  return { dimension, value: dimension === "code" ? codeOf(of.value) : checkedValue(dimension, of.value) };
}

/** What finds nothing because it cannot be is refused, as in a filter. */
function checkedValue(dimension: RequestDimension, value: string): string {
  if (dimension !== "reason" || isReason(value)) return value;
  throw invalidArgument({ field: "of.value", description: knownReasons });
}

/** The number of a code that is named or numbered. */
function codeOf(value: string): string {
  const code = codeNames.indexOf(value);
  if (code !== -1) return String(code);
  if (/^\d{1,2}$/.test(value) && Number(value) < codeNames.length) return String(Number(value));
  throw invalidArgument({ field: "of.value", description: statusesOfGrpc });
}

/** Which lists of statistics are wanted: all where none is named. */
export function readLists(names: readonly string[]): readonly RequestDimension[] {
  if (names.length === 0) return [...dimensions.values()];
  return names.map((name, index) => readDimension(`lists[${index}]`, name));
}

function readDimension(field: string, name: string): RequestDimension {
  const dimension = dimensions.get(name);
  if (dimension !== undefined) return dimension;
  throw invalidArgument({ field, description: `one of ${[...dimensions.keys()].join(", ")}` });
}

/** A stretch of time, of at most so long. */
export function readRange(
  { since, until }: { readonly since?: Timestamp | undefined; readonly until?: Timestamp | undefined },
  usualMs: number,
  longestMs: number,
): TimeRange {
  const end = until === undefined ? Date.now() : timestampMs(until);
  const range = { since: since === undefined ? end - usualMs : timestampMs(since), until: end };
  if (range.since > range.until) throw invalidArgument({ field: "since", description: "not after until" });
  if (range.until - range.since > longestMs)
    throw invalidArgument({
      field: "since",
      description: `at most ${longestMs / 60_000} minutes before until`,
    });
  return range;
}
