import { type Buffer, isUtf8 } from "node:buffer";

/** The members of a JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper nesting is refused, so that no token can exhaust the stack. */
const maxDepth = 32;

/**
 * Parses one JSON object strictly. Undefined for invalid UTF-8, a byte order mark, another kind of value, a member
 * named `__proto__` or with a backslash in its name, nesting beyond 32 levels, and duplicate member names at any
 * depth (RFC 7519 section 4 lets a reader refuse them; two readers that pick different ones is how a check is walked
 * around).
 */
export function parseJsonObject(bytes: Buffer): JsonObject | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  // A duplicate leaves fewer members in the value than the text has: one per colon outside its strings. The quick
  // count is never too low, so that it proves what it equals; where it is too high, the exact one decides.
  const members = countMembers(value, 1);
  if (members !== countLikelyColons(text) && members !== countColons(text)) return undefined;
  return text.includes("\\") && namesBackslash(value) ? undefined : (value as JsonObject);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Colons after a quote or white space: every one that ends a member name, and a few inside strings. */
function countLikelyColons(text: string): number {
  let colons = 0;
  for (let i = text.indexOf(":"); i >= 0; i = text.indexOf(":", i + 1)) {
    const before = text.charCodeAt(i - 1);
    if (before === QUOTE || before <= 0x20) colons++;
  }
  return colons;
}

function countColons(text: string): number {
  let colons = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === COLON) colons++;
    else if (unit === QUOTE) i = closingQuote(text, i);
  }
  return colons;
}

function closingQuote(text: string, opening: number): number {
  for (let i = opening + 1; ; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) return i;
    if (unit === BACKSLASH) i++;
  }
}

/** NaN, which equals nothing, once the value is too deep or names `__proto__`. */
function countMembers(value: object, depth: number): number {
  if (depth > maxDepth) return Number.NaN;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value)
      if (typeof item === "object" && item !== null) members += countMembers(item, depth + 1);
    return members;
  }
  if (Object.hasOwn(value, "__proto__")) return Number.NaN;
  for (const member of Object.values(value)) {
    members++;
    if (typeof member === "object" && member !== null) members += countMembers(member, depth + 1);
  }
  return members;
}

/**
 * V8 13.6 (Node 24) takes a member name that is written with an escape for an earlier one that is spelled like the
 * escape itself: after `{"a":1,"\\":1}` it reads `{"a":1,"\"":1}` as the former. Such names all hold a backslash.
 */
function namesBackslash(value: object): boolean {
  return Object.entries(value).some(
    ([name, member]) =>
      (!Array.isArray(value) && name.includes("\\")) ||
      (typeof member === "object" && member !== null && namesBackslash(member)),
  );
}
