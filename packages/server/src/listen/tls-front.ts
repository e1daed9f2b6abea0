import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { GuardedServer } from "countersign/grpc";
import type { ListenAddress } from "../config/listen-address.ts";
import type { TlsEndpoint } from "../tls/tls-endpoint.ts";
import { bindFailure } from "./bind-failure.ts";

/**
 * TLS in front of a gRPC server. grpc-js's own has no oldest version, drops its certificate when a new one is broken,
 * and lets in whoever shows a bad certificate where none is needed.
 */
export class TlsFront {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  constructor(tls: TlsEndpoint, grpc: GuardedServer) {
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#server = createServer({ ...tls.options, ALPNProtocols: ["h2"] });
    tls.attach(this.#server);
    // As they come, so that one that hangs in its handshake can be ended, too.
    this.#server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      // A client that does not ask for HTTP/2 does not speak gRPC.
      if (socket.alpnProtocol !== "h2") socket.destroy();
      if (!socket.destroyed) injector.injectConnection(socket);
    });
  }

  /** Resolves with the port. */
  listen(address: ListenAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) => reject(bindFailure("grpc", address, error.message)));
      this.#server.listen(address.port, address.host, () =>
        resolve((this.#server.address() as AddressInfo).port),
      );
    });
  }

  /** What is open stays open. */
  stopListening(): void {
    this.#server.close();
  }

  /** Ends what is still open. */
  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }
}
