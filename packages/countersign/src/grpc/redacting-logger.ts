import { logVerbosity, setLogger, setLogVerbosity } from "@grpc/grpc-js";

/**
 * Keeps header values out of grpc-js's own log. grpc-js prints a header that it cannot read with its whole value to
 * stderr, and a mistyped key would stand there. Call it before a server listens; `createServer()` does.
 */
export function silenceGrpcValues(write: (line: string) => void = console.error): void {
  const log = (...parts: readonly unknown[]): void => write(`grpc-js: ${parts.map(redact).join(" ")}`);
  setLogger({ error: log, info: log, debug: log });
  setLogVerbosity(logVerbosity.ERROR);
}

/** "Failed to add metadata entry NAME: VALUE. …": the name may be told, what follows it not. */
function redact(part: unknown): string {
  return String(part).replace(/(metadata entry [^\s:]+):[\s\S]*/, "$1: <redacted>");
}
