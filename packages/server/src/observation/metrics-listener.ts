import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { formatAddress, type ListenAddress } from "../config/listen-address.ts";
import { bindFailure } from "../listen/bind-failure.ts";
import type { HttpHandler } from "../listen/http.ts";

export interface MetricsListener {
  /** The address in use, with the port that was chosen. */
  readonly address: string;
  close(): Promise<void>;
}

const limits = { requestTimeout: 10_000, headersTimeout: 5000, maxHeaderSize: 16 * 1024 } as const;

/** A listener for one path, in plain text: everything else is not found. */
export async function listenMetrics(address: ListenAddress, handle: HttpHandler): Promise<MetricsListener> {
  const server = createServer(limits, (request, response) => {
    if (handle(request, response)) return;
    response.writeHead(404);
    response.end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(bindFailure("metrics", address, error.message)));
    server.listen(address.port, address.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: formatAddress({ host: address.host, port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
