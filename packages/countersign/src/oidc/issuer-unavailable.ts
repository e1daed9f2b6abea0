/**
 * An issuer could not be asked, or what it answered cannot be used. It says nothing about a token: an authenticator
 * that throws it answers `UNAVAILABLE`. Its message names the address and holds no part of a credential.
 */
export class IssuerUnavailable extends Error {
  override readonly name = "IssuerUnavailable";
}
