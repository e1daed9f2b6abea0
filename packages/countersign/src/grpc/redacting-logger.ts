import { logVerbosity, setLogger, setLogVerbosity } from "@grpc/grpc-js";

const none: readonly string[] = Object.freeze([]);
let unreadable: readonly string[] = none;

/**
 * Keeps header values out of grpc-js's own log. grpc-js prints a header that it cannot read with its whole value to
 * stderr, and a mistyped key would stand there. Call it before a server listens; `grpcAuth()` does.
 */
export function silenceGrpcValues(write: (line: string) => void = console.error): void {
  const log = (...parts: readonly unknown[]): void => {
    const line = parts.map(redact).join(" ");
    // That an address cannot be had is told to who wanted to bind it.
    if (!line.startsWith("No address added")) write(`grpc-js: ${line}`);
  };
  setLogger({ error: log, info: log, debug: log });
  setLogVerbosity(logVerbosity.ERROR);
}

/**
 * The headers of the call that is just beginning which grpc-js has dropped, because their values are not printable
 * ASCII. Its log is the only place that tells. To be called when grpc-js asks the interceptors, which it does in the
 * very turn in which it reads the headers.
 */
export function takeUnreadableHeaders(): readonly string[] {
  const taken = unreadable;
  unreadable = none;
  return taken;
}

/** "Failed to add metadata entry NAME: VALUE. …": the name may be told, what follows it not. */
function redact(part: unknown): string {
  return String(part).replace(/(metadata entry ([^\s:]+)):[\s\S]*/, (_all, entry: string, name: string) => {
    remember(name);
    return `${entry}: <redacted>`;
  });
}

function remember(name: string): void {
  // Nobody has asked in this turn: the call is not one of ours, and must not be mixed up with the next one.
  if (unreadable.length === 0) queueMicrotask(takeUnreadableHeaders);
  unreadable = [...unreadable, name];
}
