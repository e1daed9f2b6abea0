import { ConfigError } from "../config/config-error.ts";
import { formatAddress, type ListenAddress } from "../config/listen-address.ts";

/** Why an address cannot be listened on, and what to do. */
export function bindFailure(
  listener: "grpc" | "http" | "metrics",
  address: ListenAddress,
  cause: string,
): ConfigError {
  const where = formatAddress(address);
  const variable = `COUNTERSIGN_${listener.toUpperCase()}_LISTEN`;
  if (cause.includes("EADDRINUSE")) {
    return new ConfigError(
      `${listener}.listen ${where} is in use: stop what listens there, or set ${variable} to another address`,
    );
  }
  if (cause.includes("EACCES")) {
    return new ConfigError(
      `${listener}.listen ${where} is not permitted to this user: set ${variable} to a port above 1023`,
    );
  }
  return new ConfigError(
    `${listener}.listen ${where} cannot be used: ${cause}; set ${variable} to another address`,
  );
}
