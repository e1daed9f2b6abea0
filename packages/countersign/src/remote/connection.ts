import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, connectivityState, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Unavailable } from "../core/call-error.ts";
import { ask } from "../grpc/client/ask.ts";
import type { ServerAddress } from "../grpc/client/server-address.ts";

/** The server could not be asked, or what it answered cannot be used. It says nothing about anybody's credential. */
export class RemoteUnavailable extends Unavailable {
  override readonly name = "RemoteUnavailable";
  /** A gRPC status code, where the server answered with one. */
  readonly code: number | undefined;

  constructor(message: string, code?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a call to the server carries, and where it goes. */
export interface ConnectionOptions {
  readonly address: ServerAddress;
  /** Header and value of this process's own credential. */
  readonly credential: readonly [header: string, value: string];
}

/** Hears of what a stream brings until it ends, which it does once. */
export interface StreamListener<M> {
  message(message: M): void;
  ended(error: RemoteUnavailable): void;
}

/** One connection. When it is silent it is thrown away as a whole: nobody waits for a socket whose other end is gone. */
export class Connection {
  readonly #client: Client;
  readonly #credential: ConnectionOptions["credential"];
  readonly #target: string;

  constructor({ address, credential }: ConnectionOptions) {
    this.#credential = credential;
    this.#target = address.target;
    this.#client = new Client(address.target, address.credentials, {
      "grpc.use_local_subchannel_pool": 1,
      // A proxy of the environment's would get the credential in clear.
      "grpc.enable_http_proxy": 0,
      "grpc.enable_retries": 0,
      // A snapshot comes in portions; roles come in one message.
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
    });
  }

  /** Rejects with `RemoteUnavailable` if there is no connection in time, and as soon as it is clear that there will be none. */
  ready(timeoutMs: number): Promise<void> {
    const channel = this.#client.getChannel();
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      const look = (error?: Error): void => {
        const state = error === undefined ? channel.getConnectivityState(true) : undefined;
        if (state === connectivityState.READY) resolve();
        else if (state === connectivityState.IDLE || state === connectivityState.CONNECTING)
          channel.watchConnectivityState(state, deadline, look);
        else reject(new RemoteUnavailable(`${this.#target}: no connection`, status.UNAVAILABLE));
      };
      look();
    });
  }

  /** One question. Rejects with `RemoteUnavailable`, which has the server's status where it answered with one. */
  ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
  ): Promise<MessageShape<O>> {
    return ask(this.#client, method, request, { metadata: this.#metadata(), timeoutMs }).catch(
      (error: ServiceError) => {
        throw this.#failure(error);
      },
    );
  }

  /** Opens a stream. Returns the way to leave it, after which nothing is heard of it any more. */
  follow<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    listener: StreamListener<MessageShape<O>>,
  ): () => void {
    const stream = this.#client.makeServerStreamRequest(
      pathOf(method),
      (message: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, message))),
      (bytes) => fromBinary(method.output, bytes),
      request,
      this.#metadata(),
    );
    let over = false;
    const end = (error: RemoteUnavailable): void => {
      if (over) return;
      over = true;
      listener.ended(error);
    };
    stream.on("data", (message: MessageShape<O>) => {
      if (!over) listener.message(message);
    });
    stream.on("error", (error: ServiceError) => end(this.#failure(error)));
    stream.on("end", () => end(new RemoteUnavailable(`${this.#target}: the stream ended`)));
    return () => {
      over = true;
      stream.cancel();
    };
  }

  close(): void {
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set(...this.#credential);
    return metadata;
  }

  #failure({ code, details }: ServiceError): RemoteUnavailable {
    return new RemoteUnavailable(`${this.#target}: ${status[code] ?? code}: ${details}`, code);
  }
}

function pathOf({ parent, name }: DescMethodServerStreaming): string {
  return `/${parent.typeName}/${name}`;
}
