import { destination, type Logger, pino } from "pino";
import type { Config } from "./config/config.ts";

/** JSON lines on standard error: standard output belongs to what a command answers. */
export function createLog({ environment, log }: Pick<Config, "environment" | "log">): Logger {
  const level = log.level ?? (environment === "development" ? "warn" : "info");
  return pino({ name: "countersign", level }, destination({ fd: 2, sync: true }));
}
