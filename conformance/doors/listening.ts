import { once } from "node:events";
import type { Server } from "node:net";

/** Listens at a free port of the loopback address, and tells which. */
export async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return `127.0.0.1:${port}`;
}
