import type { IncomingMessage } from "node:http";

/** How much of a body that nobody wants is let in, and for how long. */
const bounds = { bytes: 1024 * 1024, ms: 5000 } as const;

/**
 * Takes the rest of a body and throws it away, within reason: most clients read no answer before they have sent everything,
 * and lose it if the connection is closed under them.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete) return;
  const hangUp = (): void => void request.socket.destroy();
  const timer = setTimeout(hangUp, bounds.ms).unref();
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > bounds.bytes) hangUp();
  });
  request.on("error", () => {});
  request.once("close", () => clearTimeout(timer));
}
