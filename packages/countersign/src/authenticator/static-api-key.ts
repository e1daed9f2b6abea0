import { hash } from "node:crypto";
import type { Authenticator } from "../core/authenticator.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { type Allowed, allow } from "../core/decision.ts";
import { requireKnown } from "../core/known-options.ts";
import { permissionProblem } from "../core/permission.ts";
import { noClaims, type Principal } from "../core/principal.ts";
import { permissionSet } from "./account.ts";
import { withOfferedScheme } from "./offered-scheme.ts";

/** A key of any shape that stands in the configuration. */
export interface StaticKey {
  /** Visible ASCII without commas, at least 8 characters. */
  readonly key: string;
  /** What logs and handlers see instead of the key; unique. The principal's `userId` is `static:NAME`. */
  readonly name: string;
  /** Patterns: `orders:read`, `orders:*`. Throws a `TypeError` for what is none. */
  readonly permissions?: readonly string[];
  readonly isStaff?: boolean;
  readonly isSuperuser?: boolean;
}

export interface StaticApiKeyOptions<P> {
  readonly keys: readonly [StaticKey, ...StaticKey[]];
  /** In lower case. Default: `x-api-key`. */
  readonly header?: string;
  /** The scheme before the key. Default: none; in `authorization` it may then be `ApiKey`, which challenges name. */
  readonly scheme?: string;
  /** Default: `api_key`. */
  readonly name?: string;
  readonly toPrincipal?: (principal: Principal) => P;
}

/** A fixed set of keys, each with its permissions: for small uses, with no store and no revocation but a restart. */
export function staticApiKey<P = Principal>(options: StaticApiKeyOptions<P>): Authenticator<P> {
  requireKnown("staticApiKey()", options, ["keys", "header", "scheme", "name", "toPrincipal"]);
  const { name = "api_key", header = "x-api-key", scheme = "" } = options;
  const toPrincipal = options.toPrincipal ?? ((principal: Principal) => principal as P);
  const admitted = new Map<string, Allowed<P>>();
  const names = new Set<string>();
  for (const entry of options.keys) {
    if (!/^[\x21-\x2b\x2d-\x7e]{8,}$/.test(entry.key) || entry.key.length > longestCredential) {
      throw new TypeError(
        `the static key "${entry.name}" is not 8 or more visible ASCII characters without a comma`,
      );
    }
    for (const permission of entry.permissions ?? []) {
      const problem = permissionProblem(permission);
      if (problem !== undefined)
        throw new TypeError(`the static key "${entry.name}": permissions: ${problem}`);
    }
    if (entry.name === "" || names.has(entry.name))
      throw new TypeError(`two static keys named "${entry.name}"`);
    names.add(entry.name);
    const digest = hash("sha256", entry.key, "binary");
    if (admitted.has(digest)) throw new TypeError(`the static key "${entry.name}" is there twice`);
    admitted.set(digest, allow(toPrincipal(principalOfKey(entry, name)), name));
  }
  return withOfferedScheme({
    name,
    header,
    scheme,
    challenge: scheme === "" ? "ApiKey" : scheme,
    missingMessage: "API key required",
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "API_KEY_INVALID"),
    start: () => (value: string) => {
      const begin = credentialStart(value, scheme);
      if (begin === -1 || value.length > longestCredential) return undefined;
      // By digest: the time of a look-up by the key itself would tell how much of it was guessed.
      return admitted.get(hash("sha256", begin === 0 ? value : value.slice(begin), "binary"));
    },
  });
}

function principalOfKey(entry: StaticKey, authenticator: string): Principal {
  const scopes = entry.permissions ?? [];
  return Object.freeze({
    // Not a user's id, whatever the key is called.
    userId: `static:${entry.name}`,
    username: undefined,
    email: undefined,
    isStaff: entry.isStaff ?? false,
    isSuperuser: entry.isSuperuser ?? false,
    roles: [],
    permissions: permissionSet(scopes),
    authenticator,
    claims: noClaims,
    apiKey: Object.freeze({
      id: entry.name,
      name: entry.name,
      type: "static",
      scopes,
    }),
    clientId: entry.name,
  });
}
