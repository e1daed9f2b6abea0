import type { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Auth, type AuthOptions, createAuth } from "../core/auth.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { policyFor, type Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { UserAccount } from "../core/user.ts";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import { type GrpcAuth, type GrpcAuthOptions, grpcAuth } from "./grpc-auth.ts";
import type { GuardedServer } from "./guarded-server.ts";

/** A message of the echo service, in JSON. */
export interface Message {
  readonly say?: string;
  readonly who?: string;
}

/** How many messages were decoded, by any server of this process. */
export const decoded = { count: 0 };

export const toBytes = (message: Message): Buffer => Buffer.from(JSON.stringify(message));
const fromBytes = (bytes: Buffer): Message => JSON.parse(bytes.toString()) as Message;

function method(path: string, requestStream: boolean, responseStream: boolean) {
  const requestDeserialize = (bytes: Buffer): Message => {
    decoded.count++;
    return fromBytes(bytes);
  };
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: toBytes,
    requestDeserialize,
    responseSerialize: toBytes,
    responseDeserialize: fromBytes,
  };
}

/** One method of each kind, as proto-loader would define it. */
export const echo = {
  Unary: { ...method("/t.Echo/Unary", false, false), originalName: "unary" },
  Upload: { ...method("/t.Echo/Upload", true, false), originalName: "upload" },
  Download: { ...method("/t.Echo/Download", false, true), originalName: "download" },
  Chat: { ...method("/t.Echo/Chat", true, true), originalName: "chat" },
} satisfies ServiceDefinition;

export type Kind = keyof typeof echo;
export const kinds = Object.keys(echo) as Kind[];

export interface EchoOptions {
  readonly rule?: Rule<Principal>;
  readonly auth?: Partial<AuthOptions<Principal>>;
  readonly rpc?: GrpcAuthOptions<UserAccount>;
  readonly implementation: (rpc: GrpcAuth<Principal, UserAccount>) => UntypedServiceImplementation;
}

export interface Echo {
  readonly auth: Auth<Principal>;
  readonly server: GuardedServer;
  readonly port: number;
  readonly client: EchoClient;
  readonly revocations: ReturnType<typeof createRevocations>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `x-user: NAME` is a credential of user NAME until it is revoked; "bad" is none of anybody. */
export const byUser = fakeAuthenticator(
  (value, { revocations }) => {
    if (value === "bad") return undefined;
    const verdict = revocations.check({ userId: value }, revocations.version);
    if (verdict !== "good") return deny("USER_DISABLED");
    return allow(
      principal({ userId: value, isStaff: value === "staff", permissions: new Set([`own:${value}`]) }),
      "fake",
    );
  },
  { header: "x-user" },
);

/** A server on a port of its own, and a client of it. */
export async function startEcho({
  rule = "authenticated",
  auth: given,
  rpc: options,
  implementation,
}: EchoOptions): Promise<Echo> {
  const revocations = createRevocations();
  const rules = policyFor<Principal>().rules(echo, { Unary: rule, Upload: rule, Download: rule, Chat: rule });
  const auth = createAuth<Principal>({ authenticators: [byUser], policy: [rules], revocations, ...given });
  const rpc = grpcAuth<Principal>(auth, { onError: () => {}, ...options });
  const server = rpc.createServer();
  server.addService(echo, implementation(rpc));
  const port = await listen(server);
  const client = new EchoClient(port);
  return {
    auth,
    server,
    port,
    client,
    revocations,
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
      await turn();
    },
  };
}

export function listen(
  server: GuardedServer,
  transport: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", transport, (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** How a call ended, with what had come until then. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
  readonly messages: readonly Message[];
}

type Methods = {
  Unary(
    message: Message,
    metadata: Metadata,
    done: (error: ServiceError | null, answer?: Message) => void,
  ): ClientUnaryCall;
  Upload(
    metadata: Metadata,
    done: (error: ServiceError | null, answer?: Message) => void,
  ): ClientWritableStream<Message>;
  Download(message: Message, metadata: Metadata): ClientReadableStream<Message>;
  Chat(metadata: Metadata, options: object): ClientDuplexStream<Message, Message>;
};

/** A grpc-js client whose calls end with an outcome and never throw. */
export class EchoClient {
  readonly stub: Client & Methods;

  constructor(port: number, transport: ChannelCredentials = credentials.createInsecure()) {
    const Stub = makeGenericClientConstructor(echo, "Echo");
    this.stub = new Stub(`127.0.0.1:${port}`, transport) as unknown as Client & Methods;
  }

  close(): void {
    this.stub.close();
  }

  /** Calls with each kind's own protocol. Streams send one message per text, and end. */
  call(kind: Kind, headers: Readonly<Record<string, string>>, ...texts: readonly string[]): Promise<Outcome> {
    const says = texts.length === 0 ? ["hello"] : texts;
    const metadata = toMetadata(headers);
    switch (kind) {
      case "Unary":
        return answered((done) => this.stub.Unary({ say: says[0] ?? "" }, metadata, done));
      case "Upload":
        return answered((done) => {
          const call = this.stub.Upload(metadata, done);
          for (const say of says) call.write({ say });
          call.end();
          return call;
        });
      case "Download":
        return streamed(this.stub.Download({ say: says[0] ?? "" }, metadata));
      case "Chat": {
        const call = this.stub.Chat(metadata, {});
        for (const say of says) call.write({ say });
        call.end();
        return streamed(call);
      }
    }
  }

  /** A conversation in which the client says nothing by itself. */
  chat(headers: Readonly<Record<string, string>>): ClientDuplexStream<Message, Message> {
    return this.stub.Chat(toMetadata(headers), { deadline: Date.now() + 20_000 });
  }
}

export function toMetadata(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function answered(
  start: (done: (error: ServiceError | null, answer?: Message) => void) => EventEmitter,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const messages: Message[] = [];
    const call = start((_error, answer) => {
      if (answer !== undefined) messages.push(answer);
    });
    call.once("status", (status: StatusObject) => resolve({ ...status, messages }));
    call.once("error", () => {});
  });
}

export function streamed(
  call: ClientReadableStream<Message> | ClientDuplexStream<Message, Message>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const messages: Message[] = [];
    call.on("data", (message: Message) => messages.push(message));
    call.on("status", (status: StatusObject) => resolve({ ...status, messages }));
    call.on("error", () => {});
  });
}

/** Reason and domain of the `google.rpc.ErrorInfo` in `grpc-status-details-bin`, and the code and message beside it. */
export function errorInfo({ metadata }: { readonly metadata: Metadata }) {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) return undefined;
  const { code, message, details } = fromBinary(StatusSchema, bytes);
  const [info] = details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
  return { code, message, reason: info?.reason, domain: info?.domain };
}

export { until } from "../core/until.suite.ts";
