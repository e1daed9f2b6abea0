import type {
  DescMessage,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata, ServerCredentials } from "@grpc/grpc-js";
import type { Credential } from "../client/credential.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import { ask } from "../grpc/client/ask.ts";
import type { ClientClass } from "../grpc/client/authenticated-channel.ts";
import { rethrow } from "../grpc/client/client-failure.ts";
import { credentialInterceptor } from "../grpc/client/credential-interceptor.ts";
import { type GrpcAuthOptions, grpcAuth } from "../grpc/grpc-auth.ts";
import type { GuardedServer } from "../grpc/guarded-server.ts";
import { implement } from "../grpc/implement.ts";

/** A guarded server of grpc-js in this process, on a port of its own of the loopback address. */
export interface TestServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** One call. Rejects with a `ClientError` that has the status and the reason. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    credential?: Credential,
  ): Promise<MessageShape<O>>;
  /** A client of grpc-js, which is closed together with the server. */
  client<C extends { close(): void }>(Made: ClientClass<C>, credential?: Credential): C;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Adds a service with its handlers. */
export type AddService = <S extends DescService>(service: S, handlers: ServiceHandlers<S>) => void;

/**
 * Starts services behind an `Auth` as they are served for real: `startTestServer(auth, (add) => add(UserService, handlers))`.
 * Throws as `createServer()` does for an RPC without a rule. `server`: for services that are added another way.
 */
export async function startTestServer<P extends Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  services: (add: AddService, server: GuardedServer) => void,
  options: GrpcAuthOptions<U> = {},
): Promise<TestServer> {
  const server = grpcAuth<P, U>(auth, options).createServer();
  services((service, handlers) => {
    const { definition, implementation } = implement(service, handlers);
    server.addService(definition, implementation);
  }, server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return new RunningServer(server, `127.0.0.1:${port}`);
}

/** How long one call of a test may take. */
const timeoutMs = 10_000;

class RunningServer implements TestServer {
  readonly address: string;
  readonly #server: GuardedServer;
  readonly #clients: { close(): void }[] = [];

  constructor(server: GuardedServer, address: string) {
    this.#server = server;
    this.address = address;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    credential?: Credential,
  ): Promise<MessageShape<O>> {
    const client = this.client(Client, credential);
    try {
      return await ask(client, method, request, { metadata: new Metadata(), timeoutMs }).catch(rethrow);
    } finally {
      client.close();
    }
  }

  client<C extends { close(): void }>(Made: ClientClass<C>, credential?: Credential): C {
    const interceptors = credential === undefined ? [] : [credentialInterceptor(credential)];
    const client = new Made(this.address, credentials.createInsecure(), { interceptors });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.#server.forceShutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
