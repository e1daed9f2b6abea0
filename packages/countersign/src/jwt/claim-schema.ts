import type { JsonObject } from "./json.ts";

/** Claims with the types that the schema has seen to. Any other claim is kept as it was signed. */
export interface TokenClaims extends JsonObject {
  readonly exp?: number;
  readonly iat?: number;
  readonly nbf?: number;
  readonly iss?: string;
  readonly aud?: string | readonly string[];
  readonly sub?: string;
  readonly jti?: string;
  readonly sid?: string;
  readonly client_id?: string;
  readonly token_type?: string;
  readonly username?: string;
  readonly email?: string;
  readonly is_staff?: boolean;
  readonly is_superuser?: boolean;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
}

/** The types of the claims that anything here relies on. Every other claim is kept as it is. */
const schema: readonly (readonly [claim: string, fits: (value: unknown) => boolean])[] = Object.freeze([
  ["exp", isNumericDate],
  ["iat", isNumericDate],
  ["nbf", isNumericDate],
  ["iss", isText],
  ["aud", isAudience],
  ["sub", isIdentifier],
  ["jti", isIdentifier],
  ["sid", isIdentifier],
  ["client_id", isIdentifier],
  ["token_type", isText],
  ["username", isText],
  ["email", isText],
  ["is_staff", isBoolean],
  ["is_superuser", isBoolean],
  ["roles", isTextList],
  ["permissions", isTextList],
]);

/** The first claim that is there with a type or a content that it must not have; undefined if all are well. */
export function malformedClaim(claims: JsonObject): string | undefined {
  for (const [claim, fits] of schema) {
    const value = claims[claim];
    if (value !== undefined && !fits(value)) return claim;
  }
  return undefined;
}

/** 9999-12-31T23:59:59Z in seconds; it also tells seconds from milliseconds. */
const lastSecond = 253402300799;

/** Longest identifier and longest text in a claim, in UTF-16 units. */
const maxIdentifier = 255;
const maxText = 1024;

/** A NumericDate (RFC 7519 section 2), in whole seconds since the epoch. */
export function isNumericDate(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= lastSecond;
}

/** A non-empty string of at most 255 characters, safe to compare, store and log. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= maxIdentifier && isPlain(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxText && isPlain(value);
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isAudience(value: unknown): boolean {
  return isText(value) || isTextList(value);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

/** No control character (C0, DEL, C1) and no half of a surrogate pair. A loop, because most texts are short. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return false;
  }
  return text.isWellFormed();
}
