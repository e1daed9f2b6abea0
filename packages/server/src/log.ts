import { destination, type Logger, type LoggerOptions, pino } from "pino";
import type { Config } from "./config/config.ts";

/** Members that hold secrets by their names. Nothing here logs one; errors of drivers and of fetch may carry one. */
const secretMembers = [
  ...["password", "secret", "token", "key", "authorization", "cookie", "connectionString"],
  ...["client_secret", "refresh_token", "access_token", "api_key", "headers"],
];

/** As few paths as will do: each is looked up at every line. */
const redact = secretMembers.flatMap((name) => [name, `err.${name}`, `err.*.${name}`]);

/** How a line is written. */
export const logOptions: LoggerOptions = Object.freeze({
  name: "countersign",
  redact: { paths: redact, censor: "[hidden]" },
});

/** JSON lines on standard error: standard output belongs to what a command answers. */
export function createLog({ environment, log }: Pick<Config, "environment" | "log">): Logger {
  const level = log.level ?? (environment === "development" ? "warn" : "info");
  return pino({ ...logOptions, level }, destination({ fd: 2, sync: true }));
}
