import type { Call } from "../core/call.ts";
import { noClaims, noPermissions, type Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";

/** A call as an adapter would build it. A list is a header that came several times; a header's name has no case. */
export function fakeCall(
  procedure: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  more: Partial<Call> = {},
): Call {
  return {
    protocol: "grpc",
    procedure,
    header: (name) =>
      Object.entries(headers).flatMap(([given, values]) => (given.toLowerCase() === name ? values : [])),
    peer: { address: "192.0.2.1:1" },
    signal: new AbortController().signal,
    ...more,
  };
}

/** A principal with no right at all, and what a test adds. */
export function fakePrincipal(given: Partial<Principal> = {}): Principal {
  return {
    userId: "1",
    username: undefined,
    email: undefined,
    isStaff: false,
    isSuperuser: false,
    roles: [],
    permissions: noPermissions,
    authenticator: "fake",
    claims: noClaims,
    apiKey: undefined,
    clientId: undefined,
    ...given,
  };
}

/** An account with no right at all, and what a test adds. */
export function fakeAccount(given: Partial<UserAccount> = {}): UserAccount {
  return {
    id: "1",
    username: "ada",
    email: "ada@example.com",
    isActive: true,
    isStaff: false,
    isSuperuser: false,
    roles: [],
    permissions: [],
    ...given,
  };
}
