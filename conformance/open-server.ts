import { Administrator } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { type ServerOptions, type ServerProcess, startServer } from "./server-process.ts";

/** The program, someone who may do everything there, and a client of its gRPC side. */
export interface OpenServer {
  readonly server: ServerProcess;
  readonly administrator: Administrator;
  readonly client: Client;
}

/** Starts the program. To be closed. */
export async function openServer(options: ServerOptions = {}): Promise<OpenServer> {
  const server = await startServer(options);
  const administrator = await Administrator.of(server);
  return { server, administrator, client: await grpcJs.connect(server.grpc) };
}

export async function closeServer({ server, administrator, client }: OpenServer): Promise<void> {
  await client.close();
  await administrator.close();
  await server.stop();
}

/** Ends the program and starts it anew on its data. Default: without a configuration. */
export async function reopenServer(open: OpenServer, options: ServerOptions = {}): Promise<OpenServer> {
  await closeServer(open);
  return openServer({ ...options, data: open.server.data });
}
