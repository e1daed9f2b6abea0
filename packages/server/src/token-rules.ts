import type { TokenVerifierOptions } from "countersign/jwt";
import type { Config } from "./config/config.ts";
import type { Signing } from "./signing.ts";

/** What a token of our own has to be. */
export function tokenRulesOf({ auth }: Config, signing: Signing): TokenVerifierOptions {
  const { issuer, audience, leeway } = auth.jwt;
  return {
    keys: () => signing.ring(),
    leewaySeconds: leeway,
    requiredClaims: ["exp", "jti"],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
}
