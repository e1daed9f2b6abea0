import { IssuerUnavailable } from "countersign/oidc";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { type OpenedIssuer, openIssuers } from "../issuers.ts";
import { type Check, ok, warn } from "./check.ts";

/** Do the other issuers answer, and can what they answer be used? A server starts without them. */
export async function checkIssuers(config: Config): Promise<readonly Check[]> {
  try {
    return await Promise.all(openIssuers(config).map(checkIssuer));
  } catch (error) {
    // The configuration's own check tells.
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

async function checkIssuer({ config, issuer, probe }: OpenedIssuer): Promise<Check> {
  const name = `issuer ${config.name}`;
  try {
    await probe();
    const keys = issuer.keys.current()?.keys.length;
    return ok(
      name,
      keys === undefined ? `${issuer.name} answers us` : `${issuer.name} publishes ${keys} usable keys`,
    );
  } catch (error) {
    if (!(error instanceof IssuerUnavailable)) throw error;
    const remedy =
      "until that is mended its tokens are UNAVAILABLE: compare auth.issuers with what the issuer says, and look at the network and its certificate";
    return warn(name, error.message, remedy);
  }
}
