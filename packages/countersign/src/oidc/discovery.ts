import type { JsonObject } from "../jwt/json.ts";
import { type AddressRules, requireAddress } from "./issuer-address.ts";
import { IssuerUnavailable } from "./issuer-unavailable.ts";

/** What is read of an issuer's discovery document. */
export interface IssuerMetadata {
  readonly jwksUri: URL;
  /** RFC 8414 section 2; undefined where the issuer names none. */
  readonly introspectionEndpoint: URL | undefined;
}

/** Where an issuer's document is (OpenID Connect Discovery 1.0 section 4). */
export function discoveryAddress(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
}

/**
 * Reads the document. Throws `IssuerUnavailable` if it is of another issuer: exactly the one that was asked has to
 * stand in it (section 4.3), or whoever can change the document could speak for everybody.
 */
export function readMetadata(document: JsonObject, issuer: string, rules: AddressRules): IssuerMetadata {
  if (document["issuer"] !== issuer)
    throw new IssuerUnavailable(`${issuer}: the discovery document is of another issuer`);
  const introspection = document["introspection_endpoint"];
  try {
    return Object.freeze({
      jwksUri: requireAddress(document["jwks_uri"], "jwks_uri", rules),
      introspectionEndpoint:
        introspection === undefined
          ? undefined
          : requireAddress(introspection, "introspection_endpoint", rules),
    });
  } catch (error) {
    throw new IssuerUnavailable(`${issuer}: the discovery document's ${(error as Error).message}`);
  }
}
