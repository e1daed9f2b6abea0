import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import type { ReflectionService } from "@grpc/reflection";
import type { Auth, Principal, UserSource } from "countersign";
import { type BoundService, type GuardedServer, grpcAuth, implement } from "countersign/grpc";
import type { UserRecord } from "countersign/store";
import { HealthImplementation } from "grpc-health-check";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { formatAddress, type ListenAddress } from "../config/listen-address.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import type { ServedService } from "../served-service.ts";
import type { TlsEndpoint } from "../tls/tls-endpoint.ts";
import { bindFailure } from "./bind-failure.ts";
import { TlsFront } from "./tls-front.ts";

export interface GrpcListenerOptions {
  readonly config: Config["grpc"];
  readonly auth: Auth<Principal>;
  readonly users: UserSource<UserRecord>;
  readonly services: readonly ServedService[];
  readonly onError: (error: unknown, procedure: string) => void;
  /** Undefined for plain text. */
  readonly tls: TlsEndpoint | undefined;
}

export interface GrpcListener {
  /** The address in use, with the port that was chosen. */
  readonly address: string;
  /** What health checks are told. */
  setServing(serving: boolean): void;
  /** Lets open calls end, for at most so long, and then ends them. */
  close(graceMs: number): Promise<void>;
}

/** Binds the gRPC side. Nothing is served before health says so, but an address that cannot be had is known now. */
export async function listenGrpc(options: GrpcListenerOptions): Promise<GrpcListener> {
  const { config, auth, users, services, onError, tls } = options;
  const rpc = grpcAuth(auth, { users, onError });
  const server = rpc.createServer({
    // Before authentication: how much one caller may send, and how many streams it may open at once.
    // Together they bound what a connection can make this process hold: 16 MiB.
    "grpc.max_receive_message_length": 128 * 1024,
    "grpc.max_concurrent_streams": 128,
    // A connection whose other end is gone is noticed, and one that is not used is closed.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_connection_idle_ms": 600_000,
  });
  const names = services.map(({ descriptor }) => descriptor.typeName);
  const health = new HealthImplementation(
    Object.fromEntries(["", ...names].map((name) => [name, "NOT_SERVING"])),
  );
  let front: TlsFront | undefined;
  try {
    for (const service of services) {
      const { definition, implementation } = bound(service);
      server.addService(definition, implementation);
    }
    health.addToServer(server);
    if (config.reflection)
      (await reflectionOf(services.map(({ descriptor }) => descriptor))).addToServer(server);
    front = tls === undefined ? undefined : new TlsFront(tls, server);
    const port = await (front?.listen(config.listen) ?? bind(server, config.listen));
    return {
      address: formatAddress({ host: config.listen.host, port }),
      setServing(serving) {
        for (const name of ["", ...names]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
      },
      async close(graceMs) {
        front?.stopListening();
        await shutDown(server, graceMs);
        front?.close();
      },
    };
  } catch (error) {
    server.forceShutdown();
    front?.close();
    if (error instanceof TypeError) throw new ConfigError(`auth: ${error.message}`);
    throw error;
  }
}

function bind(server: GuardedServer, address: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(address), ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(bindFailure("grpc", address, error.message));
    });
  });
}

/** Reflection, v1 and v1alpha, over the descriptors of what is served and all that they import. */
async function reflectionOf(services: readonly DescService[]): Promise<ReflectionService> {
  const files = new Map<string, Uint8Array>();
  const collect = (file: DescFile): void => {
    if (files.has(file.name)) return;
    files.set(file.name, toBinary(FileDescriptorProtoSchema, file.proto));
    file.dependencies.forEach(collect);
  };
  // Health's own package has a descriptor with relative names, which strict clients refuse.
  const described = [...services, Health];
  for (const service of described) collect(service.file);
  const fileDescriptorProtos = [...files.values()].map((bytes) => Buffer.from(bytes));
  // ReflectionService reads nothing but the descriptors of a proto-loader package definition.
  const definition = { format: "Protocol Buffer 3 DescriptorProto", type: {}, fileDescriptorProtos } as const;
  const reflection = await import("@grpc/reflection");
  return new reflection.ReflectionService(
    { descriptors: definition },
    { services: described.map(({ typeName }) => typeName) },
  );
}

function shutDown(server: GuardedServer, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

/** A service for grpc-js, with its own encoders where it has some. */
function bound({ descriptor, handlers, encoders = {} }: ServedService): BoundService {
  const { definition, implementation } = implement(descriptor, handlers);
  const methods = Object.entries(definition).map(([name, method]) => {
    const responseSerialize = encoders[name];
    return [name, responseSerialize === undefined ? method : { ...method, responseSerialize }];
  });
  return { definition: Object.fromEntries(methods) as ServiceDefinition, implementation };
}
