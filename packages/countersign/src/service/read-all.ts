import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";

type Readers = Readonly<Record<string, () => unknown>>;

/**
 * Reads every part of a request, so that its caller is told at once of all that is wrong: throws `INVALID_ARGUMENT` that names what
 * any of the readers found. Anything else that one throws is thrown as it is.
 */
export function readAll<R extends Readers>(readers: R): { readonly [K in keyof R]: ReturnType<R[K]> } {
  const violations: FieldViolation[] = [];
  const read: Record<string, unknown> = {};
  for (const [name, reader] of Object.entries(readers)) {
    try {
      read[name] = reader();
    } catch (error) {
      if (!(error instanceof CallError) || error.status !== "INVALID_ARGUMENT") throw error;
      violations.push(...error.violations);
    }
  }
  const [first, ...rest] = violations;
  if (first !== undefined) throw invalidArgument(first, ...rest);
  return read as { readonly [K in keyof R]: ReturnType<R[K]> };
}
