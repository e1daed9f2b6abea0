import { ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { type Client as GrpcClient, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import type { Credential, Session, SessionOptions } from "countersign/client";
import { credentialInterceptor, openSession as openConnectSession } from "countersign/connect/client";
import { serviceDefinition } from "countersign/grpc";
import { createAuthenticatedChannel, openSession } from "countersign/grpc/client";
import { UserService } from "../../examples/gen/api/users/users_pb.ts";
import type { ServerProcess } from "../server-process.ts";

/** A client of ours whose session renews itself, of the demo service. */
export interface RenewingKind {
  readonly name: string;
  session(server: ServerProcess, options: SessionOptions): Session & { close?(): void };
  users(server: ServerProcess, credential: Credential): RenewingClient;
}

export interface RenewingClient {
  /** Changes one's own bio: "ok", or how the call ended. */
  updateProfile(): Promise<string>;
  close(): void;
}

export type DemoClient = GrpcClient & {
  updateProfile(request: object, done: (error: ServiceError | null) => void): void;
};

export function updateProfile(users: DemoClient): Promise<string> {
  return new Promise((resolve) => {
    users.updateProfile({ bio: "x" }, (error) =>
      resolve(error === null ? "ok" : `${error.code} ${error.details}`),
    );
  });
}

const grpcJs: RenewingKind = {
  name: "grpc-js",
  session: (server, options) => openSession({ address: server.grpc, ...options }),
  users(server, credential) {
    const channel = createAuthenticatedChannel(server.grpc, credential);
    const users = channel.client(
      makeClientConstructor(serviceDefinition(UserService), "UserService"),
    ) as unknown as DemoClient;
    return { updateProfile: () => updateProfile(users), close: () => channel.close() };
  },
};

function connectKind(
  name: string,
  transport: (server: ServerProcess, interceptors: Interceptor[]) => Transport,
): RenewingKind {
  return {
    name,
    session: (server, options) => openConnectSession({ transport: transport(server, []), ...options }),
    users(server, credential) {
      const users = createClient(UserService, transport(server, [credentialInterceptor(credential)]));
      return {
        close() {},
        updateProfile: () =>
          users.updateProfile({ bio: "x" }).then(
            () => "ok",
            (thrown) => {
              const { code, rawMessage } = ConnectError.from(thrown);
              return `${code} ${rawMessage}`;
            },
          ),
      };
    },
  };
}

export const renewingKinds: readonly RenewingKind[] = [
  grpcJs,
  connectKind("Connect with JSON", (server, interceptors) =>
    createConnectTransport({
      ...{ baseUrl: `http://${server.http}`, httpVersion: "1.1", useBinaryFormat: false, interceptors },
    }),
  ),
  connectKind("gRPC-Web", (server, interceptors) =>
    createGrpcWebTransport({ baseUrl: `http://${server.http}`, httpVersion: "1.1", interceptors }),
  ),
  connectKind("connect-es with gRPC", (server, interceptors) =>
    createGrpcTransport({ baseUrl: `http://${server.grpc}`, interceptors }),
  ),
];
