import { keyRingFromJwks } from "../jwt/key-ring.ts";
import { peekToken } from "../jwt/peek.ts";
import type { TokenVerifier, TokenVerifierOptions } from "../jwt/verifier.ts";
import { fetchJson } from "../oidc/fetch-json.ts";
import { requireAddress } from "../oidc/issuer-address.ts";
import { IssuerUnavailable } from "../oidc/issuer-unavailable.ts";
import { createFetchingVerifier } from "../oidc/issuer-verifier.ts";
import { RemoteKeys } from "../oidc/remote-keys.ts";

export interface PublishedKeysOptions {
  /** The HTTP address of the server: `https://auth.example.com`. In clear from this machine only. */
  readonly http: string;
  readonly elapsed: () => number;
  /** Hears of each fetch that failed. */
  readonly onError: (error: Error) => void;
}

/** The keys that a server publishes, kept up to date as those of any other issuer. */
export interface PublishedKeys {
  readonly name: string;
  readonly keys: RemoteKeys;
  readonly elapsed: () => number;
}

/** Together with the question about the account, within two seconds. */
const limits = { timeoutMs: 800, maxBytes: 131_072 };

/** Nothing is fetched until somebody needs it. A TypeError for an address that makes no sense. */
export function publishedKeys({ http, elapsed, onError }: PublishedKeysOptions): PublishedKeys {
  const url = requireAddress(`${http.replace(/\/+$/, "")}/.well-known/jwks.json`, "http", {
    allowLoopback: true,
  });
  const keys = new RemoteKeys({
    async fetch() {
      const jwks = await fetchJson(url, limits);
      try {
        return keyRingFromJwks(jwks);
      } catch (error) {
        throw new IssuerUnavailable(`${url.origin}${url.pathname}: ${(error as Error).message}`);
      }
    },
    elapsed,
    refreshAfterMs: 600_000,
    usableForMs: 900_000,
    // It is our own server: a key that is used in a hurry is published two seconds before.
    cooldownMs: 2000,
    onError,
  });
  return Object.freeze({ name: url.origin, keys, elapsed });
}

/** A verifier of the server's own tokens. */
export function publishedKeyVerifier(
  source: PublishedKeys,
  rules: Omit<TokenVerifierOptions, "keys">,
): TokenVerifier {
  const { issuer } = rules;
  const issuers = issuer === undefined ? undefined : new Set([issuer].flat());
  // Where the tokens name no issuer, everything that looks like a token may be one.
  return createFetchingVerifier(source, rules, (token) => {
    const seen = peekToken(token);
    return seen !== undefined && (issuers === undefined || issuers.has(seen.issuer ?? ""));
  });
}
