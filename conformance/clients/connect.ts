import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describedMethod } from "../descriptors.ts";
import type { Method } from "../protos.ts";
import type { ClientKind } from "./client.ts";
import { ConnectClient } from "./connect-client.ts";

/** Bidirectional streams need HTTP/2. */
const overHttp1 = ({ requestStream, responseStream }: Method): boolean => !(requestStream && responseStream);

function kindOf(
  name: string,
  listener: "grpc" | "http",
  transportTo: (baseUrl: string) => Transport,
): ClientKind {
  return {
    name,
    listener,
    abilities: ["any-name"],
    ...(listener === "http" && { carries: overHttp1 }),
    async connect(address) {
      return new ConnectClient(transportTo(`http://${address}`), describedMethod);
    },
  };
}

/** connect-es with JSON. */
export const connectJson = kindOf("Connect with JSON", "http", (baseUrl) =>
  createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
);

/** connect-es with binary messages, by GET where an RPC has no side effects. */
export const connectBinary = kindOf("Connect with binary messages and GET", "http", (baseUrl) =>
  createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, useHttpGet: true }),
);

/** connect-es as a gRPC-Web client. */
export const grpcWeb = kindOf("gRPC-Web", "http", (baseUrl) =>
  createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
);

/** connect-es as a gRPC client. */
export const connectGrpc = kindOf("connect-es with gRPC", "grpc", (baseUrl) =>
  createGrpcTransport({ baseUrl }),
);
