import type { IncomingMessage } from "node:http";

/** How much of a body that nobody wants is let in, and for how long. */
const discarded = { bytes: 16 * 1024 * 1024, ms: 5000 } as const;

/**
 * Most clients read no answer before they have sent everything, and lose it if the connection is closed under them: so
 * the rest is taken and thrown away, within reason.
 */
export function discard(request: IncomingMessage): void {
  const hangUp = (): void => void request.socket.destroy();
  const timer = setTimeout(hangUp, discarded.ms).unref();
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > discarded.bytes) hangUp();
  });
  request.on("error", () => {});
  request.once("close", () => clearTimeout(timer));
}
