import type { Config } from "./config/config.ts";

/** The tenant whose issuer that is, by the name that identities are linked under. */
export function tenantOfIssuer({ auth }: Pick<Config, "auth">, issuer: string): string | undefined {
  return auth.issuers.find((entry) => entry.issuer === issuer)?.tenant;
}
