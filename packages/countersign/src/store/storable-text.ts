import { Conflict } from "./contracts.ts";

/**
 * Whether every store can give this text back as it is. PostgreSQL takes no NUL, older `node:sqlite` cuts a string
 * at it, and a lone surrogate has no UTF-8 form, so that two different names would become one.
 */
export function isStorableText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** Throws `Conflict` on `field` for a text that a store could not give back as it is. */
export function requireStorableText(field: string, text: string | undefined): void {
  if (text !== undefined && !isStorableText(text)) {
    throw new Conflict(field, `${field} must be well-formed text without NUL characters`);
  }
}
