import { Code, ConnectError } from "@connectrpc/connect";
import { text } from "../text.ts";
import { BadRequestSchema } from "./protos.ts";

export interface ErrorText {
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | undefined;
}

/** An error in words for whoever looks at the page. What the server said stands beside it. */
export function describeError(error: unknown): ErrorText {
  const { code, rawMessage, metadata } = ConnectError.from(error);
  return {
    title: text.errors[code as keyof typeof text.errors] ?? text.errors.other,
    detail: rawMessage,
    requestId: metadata.get("x-request-id") ?? undefined,
  };
}

export function isDenied(error: unknown): boolean {
  return ConnectError.from(error).code === Code.PermissionDenied;
}

/** The configuration rules it out: nothing is broken. */
export function isImpossible(error: unknown): boolean {
  return error !== null && ConnectError.from(error).code === Code.FailedPrecondition;
}

/** What is wrong with which field, by the proto's names, where the server says so. What is wrong with members of a list is told at the list. */
export function fieldErrors(error: unknown): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { fieldViolations } of ConnectError.from(error).findDetails(BadRequestSchema))
    for (const { field, description } of fieldViolations) {
      const [, name = field, place = ""] = /^(\w+)\[(\d+)\]/.exec(field) ?? [];
      found[name] ??= place === "" ? description : `${Number(place) + 1}: ${description}`;
    }
  return found;
}

/** What may be better in a moment is tried again; a refusal stays one. */
export function shouldRetry(failures: number, error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return (
    failures < 2 && (code === Code.Unavailable || code === Code.Unknown || code === Code.DeadlineExceeded)
  );
}
