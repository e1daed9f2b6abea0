import { ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type Client as GrpcClient,
  makeClientConstructor,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import type { Credential, Session, SessionOptions } from "countersign/client";
import { createAuthenticatedTransport, openSession as openConnectSession } from "countersign/connect/client";
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
  /** Follows the accounts. Settles with how the stream ended; hears of each message. */
  watch(onUser: () => void): Promise<string>;
  /** Says a line when it is asked to, and hears the answer. Absent where streams have one direction only. */
  readonly chat?: ((onAnswer: () => void) => { say(): void; readonly ended: Promise<string> }) | undefined;
  close(): void;
}

export type DemoClient = GrpcClient & {
  updateProfile(request: object, done: (error: ServiceError | null) => void): void;
  watchUsers(request: object): ClientReadableStream<unknown>;
  chat(): ClientDuplexStream<{ text: string }, unknown>;
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
    return {
      updateProfile: () => updateProfile(users),
      watch: (onUser) => endOf(users.watchUsers({}), onUser),
      chat(onAnswer) {
        const call = users.chat();
        return { say: () => void call.write({ text: "hello" }), ended: endOf(call, onAnswer) };
      },
      close: () => channel.close(),
    };
  },
};

function endOf(call: ClientReadableStream<unknown>, onMessage: () => void): Promise<string> {
  return new Promise((resolve) => {
    call.on("data", onMessage);
    call.on("error", () => {});
    call.on("status", ({ code, details }: StatusObject) => resolve(`${code} ${details}`));
  });
}

async function allOf(messages: AsyncIterable<unknown>, onMessage: () => void): Promise<string> {
  try {
    for await (const _ of messages) onMessage();
    return "0 ";
  } catch (thrown) {
    return toldBy(thrown);
  }
}

function toldBy(thrown: unknown): string {
  const { code, rawMessage } = ConnectError.from(thrown);
  return `${code} ${rawMessage}`;
}

/** Lines that are said when somebody asks for one. */
function spoken() {
  let next = Promise.withResolvers<void>();
  return {
    say: () => next.resolve(),
    async *lines() {
      for (;;) {
        await next.promise;
        next = Promise.withResolvers();
        yield { text: "hello" };
      }
    },
  };
}

function connectKind(
  name: string,
  transport: (server: ServerProcess, interceptors: Interceptor[]) => Transport,
  bidirectional = false,
): RenewingKind {
  return {
    name,
    session: (server, options) =>
      openConnectSession({ transport: (interceptors) => transport(server, interceptors), ...options }),
    users(server, credential) {
      const users = createClient(
        UserService,
        createAuthenticatedTransport(credential, (interceptors) => transport(server, interceptors)),
      );
      return {
        close() {},
        updateProfile: () => users.updateProfile({ bio: "x" }).then(() => "ok", toldBy),
        watch: (onUser) => allOf(users.watchUsers({}), onUser),
        chat: bidirectional
          ? (onAnswer) => {
              const { say, lines } = spoken();
              return { say, ended: allOf(users.chat(lines()), onAnswer) };
            }
          : undefined,
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
  connectKind(
    "connect-es with gRPC",
    (server, interceptors) => createGrpcTransport({ baseUrl: `http://${server.grpc}`, interceptors }),
    true,
  ),
];
