import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import { isLoopback, parseListenAddress } from "../config/listen-address.ts";
import { CommandFailure, UsageError } from "../terminal/failure.ts";
import type { Administration } from "./administration.ts";
import type { Credential } from "./credential.ts";
import { remoteFailure } from "./remote-failure.ts";

export interface RemoteOptions {
  /** `HOST:PORT`, or `https://HOST:PORT` for TLS in any case. */
  readonly server: string;
  /** PEM: whose certificates are believed. Default: those that the system believes. */
  readonly caFile?: string | undefined;
  /** PEM: a client certificate with its chain, and its key. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly credential: Credential | undefined;
}

const deadlineMs = 15_000;

/** Acts through a running server, as whoever the credential belongs to. In clear only on this machine; else by TLS. */
export function createRemoteAdministration(options: RemoteOptions): Administration {
  const { credential } = options;
  const server = options.server.replace(/^https:\/\//, "");
  const address = parseListenAddress(server);
  if (address === undefined || address.port === 0) {
    throw new UsageError("--server is an address such as 127.0.0.1:50051 or auth.example.com:443");
  }
  const secured = server !== options.server || options.caFile !== undefined || options.certFile !== undefined;
  const plain = isLoopback(address) && !secured;
  // grpc-js sends an IP address as the TLS server name, which Node deprecates aloud; this program says one line.
  if (!plain && isIP(address.host) !== 0) process.noDeprecation = true;
  const client = new Client(
    server,
    plain ? credentials.createInsecure() : tlsCredentials(options),
    // A proxy of the environment's would get the credential in clear.
    plain ? { "grpc.enable_http_proxy": 0 } : {},
  );
  const anonymous = credential === undefined && options.certFile === undefined;
  const metadata = (): Metadata => {
    const headers = new Metadata();
    if (credential !== undefined) headers.set(credential.header, credential.value);
    return headers;
  };
  return {
    async call(method, request) {
      const { path, requestSerialize, responseDeserialize } = definitionOf(method);
      const options = { deadline: Date.now() + deadlineMs };
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          metadata(),
          options,
          (error: ServiceError | null, answer) => {
            if (error !== null) reject(remoteFailure(error, { server, plain, anonymous }));
            else resolve(answer);
          },
        );
      });
    },
    async *stream(method, request) {
      const { path, requestSerialize, responseDeserialize } = definitionOf(method);
      // For as long as it takes: whoever waits sees how far it is.
      const answers = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata(),
      );
      try {
        yield* answers;
      } catch (error) {
        throw remoteFailure(error as ServiceError, { server, plain, anonymous });
      } finally {
        answers.cancel();
      }
    },
    async close() {
      client.close();
      // A connection that hangs in its handshake is not closed with its client, and would keep this process.
      setTimeout(() => process.exit(), 500).unref();
    },
  };
}

function definitionOf(method: DescMethod): ServiceDefinition[string] {
  const definition = serviceDefinition(method.parent)[method.localName];
  if (definition === undefined) throw new TypeError(`no method ${method.name}`);
  return definition;
}

function tlsCredentials({ caFile, certFile, keyFile }: RemoteOptions): ChannelCredentials {
  const roots = readPem("--ca-file", caFile);
  const [certificate, key] = [readPem("--cert-file", certFile), readPem("--key-file", keyFile)];
  if ((certificate === undefined) !== (key === undefined))
    throw new UsageError("--cert-file and --key-file go together");
  try {
    return credentials.createSsl(roots, key, certificate);
  } catch (error) {
    const named = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(", ");
    throw new CommandFailure("INVALID_ARGUMENT", `${named} cannot be used: ${(error as Error).message}`);
  }
}

function readPem(option: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandFailure(
      "INVALID_ARGUMENT",
      `${option} ${path} cannot be used: ${(error as Error).message}`,
    );
  }
}
