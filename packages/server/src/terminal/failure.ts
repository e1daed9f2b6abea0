import { CallError, type FieldViolation, Refusal, statusOf } from "countersign";
import { StoreUnavailable } from "countersign/store";
import { ConfigError } from "../config/config-error.ts";

/** Why a command did not do what it was told, as it is printed. */
export interface Failure {
  /** 2 for what is wrong with the command or with the values in it, 1 for all else. */
  readonly exitCode: 1 | 2;
  /** A gRPC status by name, `CONFIGURATION`, or `USAGE`. */
  readonly status: string;
  /** The `reason` of `google.rpc.ErrorInfo`, where there is one. */
  readonly reason?: string | undefined;
  readonly message: string;
  readonly violations: readonly FieldViolation[];
}

/** A command that cannot be understood: its text says what is wrong, and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a command or a server refused. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly status: string;
  readonly reason: string | undefined;
  readonly violations: readonly FieldViolation[];

  constructor(
    status: string,
    message: string,
    more: { readonly reason?: string | undefined; readonly violations?: readonly FieldViolation[] } = {},
  ) {
    super(message);
    this.status = status;
    this.reason = more.reason;
    this.violations = more.violations ?? [];
  }
}

/** What was foreseen, to be told in one line. Undefined for everything else: that deserves its stack. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof UsageError) return plain("USAGE", error, 2);
  if (error instanceof ConfigError) return plain("CONFIGURATION", error);
  if (error instanceof StoreUnavailable) return plain("UNAVAILABLE", error);
  if (error instanceof Refusal) {
    const { reason, message } = error.denial;
    const status = statusNames[statusOf[reason].grpc] ?? "UNKNOWN";
    return { exitCode: 1, status, reason, message, violations: [] };
  }
  if (error instanceof CallError || error instanceof CommandFailure) {
    const { status, message, violations } = error;
    const exitCode = isWrongRequest(error) ? 2 : 1;
    return { exitCode, status, reason: "reason" in error ? error.reason : undefined, message, violations };
  }
  return undefined;
}

/** A service names the fields that are wrong: they come from the arguments. What is wrong with a file has no field. */
function isWrongRequest({ status, violations }: Pick<CommandFailure, "status" | "violations">): boolean {
  return status === "INVALID_ARGUMENT" && violations.length > 0;
}

/** The one line that a failure is, for people or for programs. */
export function failureLine(failure: Failure, output: "text" | "json"): string {
  const { status, reason, message, violations } = failure;
  if (output === "json") return JSON.stringify({ error: { status, reason, message, violations } });
  const untold = violations.filter(({ description }) => !message.includes(description));
  const text = [message, ...untold.map(({ field, description }) => `${field}: ${description}`)].join("; ");
  const names = [...new Set([status, reason])].filter((name) => name !== undefined && !ownStatuses.has(name));
  return `countersign: ${oneLine(text)}${names.length === 0 ? "" : ` (${names.join(", ")})`}`;
}

/** Without line ends and control characters: what a server or a file says must not steer a terminal. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "\u{fffd}");
}

const ownStatuses = new Set(["USAGE", "CONFIGURATION"]);

/** https://grpc.io/docs/guides/status-codes/ */
export const statusNames: readonly string[] = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"],
  ...["UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
];

function plain(status: string, { message }: Error, exitCode: 1 | 2 = 1): Failure {
  return { exitCode, status, message, violations: [] };
}
