// The same answers from servers that do nothing else: how long a call takes on this machine, with this client, whatever is decided.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { keepPausesShort } from "../../packages/server/src/short-pauses.ts";
import { echo, say } from "../echo.ts";

export interface BareReady {
  readonly grpc: string;
  readonly http: string;
}

keepPausesShort();
const server = new Server();
server.addService(echo, { say });
const web = createServer((_request, response) => response.end());
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  web.listen(0, "127.0.0.1", () => {
    const { port: webPort } = web.address() as AddressInfo;
    process.send?.({ grpc: `127.0.0.1:${port}`, http: `127.0.0.1:${webPort}` } satisfies BareReady);
  });
});
process.on("disconnect", () => process.exit());
