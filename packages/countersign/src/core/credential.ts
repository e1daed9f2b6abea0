import type { Reason } from "./denial.ts";

/** Longer header values are refused unread: gRPC implementations limit all headers together to 8 KiB or so. */
export const longestCredential = 8192;

// token68 of RFC 9110 section 11.2
const token68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Where the credential begins in a header value, or -1 if the value does not have the scheme. The scheme is matched
 * without regard to case and is followed by one space (RFC 9110 section 11.4, RFC 6750 section 2.1).
 */
export function credentialStart(value: string, scheme: string): number {
  const { length } = scheme;
  if (length === 0) return 0;
  if (value.charCodeAt(length) !== 32) return -1;
  if (!value.startsWith(scheme) && value.slice(0, length).toLowerCase() !== scheme.toLowerCase()) return -1;
  return length + 1;
}

/** Why a header value that nothing recognised is refused: its form, or what it says. */
export function refuseUnrecognized(value: string, scheme: string, otherwise: Reason): Reason {
  if (value.length > longestCredential) return "CREDENTIALS_MALFORMED";
  const start = credentialStart(value, scheme);
  if (start === -1 || !token68.test(value.slice(start))) return "CREDENTIALS_MALFORMED";
  return otherwise;
}
