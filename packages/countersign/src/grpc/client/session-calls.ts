import type { MessageInitShape } from "@bufbuild/protobuf";
import { Client, Metadata } from "@grpc/grpc-js";
import {
  createSession,
  type LoginCredentials,
  type Session,
  type SessionCalls,
  type SessionOptions,
} from "../../client/session.ts";
import { AuthService, type LoginRequestSchema } from "../../gen/auth/v1/auth_pb.ts";
import { ask } from "./ask.ts";
import { channelOptions } from "./channel-options.ts";
import { rethrow } from "./client-failure.ts";
import { type ClientTls, readServerAddress } from "./server-address.ts";

export interface GrpcSessionOptions extends SessionOptions {
  /** Where AuthService is: `HOST:PORT`, or `unix:PATH` of a socket. In clear on this machine; by TLS everywhere else. */
  readonly address: string;
  /** Needed on this machine only where the server speaks TLS there, too. */
  readonly tls?: ClientTls | undefined;
  /** How long one call to AuthService may take. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** A session of somebody, at a server. */
export interface GrpcSession extends Session {
  /** Closes the connection; tokens stay where they are. */
  close(): void;
}

/** A session over gRPC: log in, or go on with what the store has. A `TypeError` for an address that is none. */
export function openSession(options: GrpcSessionOptions): GrpcSession {
  const { address, tls, timeoutMs = 10_000, ...rest } = options;
  const server = readServerAddress(address, tls);
  const client = new Client(server.target, server.credentials, channelOptions);
  const session = createSession(sessionCalls(client, timeoutMs), rest);
  return Object.assign(session, { close: () => client.close() });
}

function sessionCalls(client: Client, timeoutMs: number): SessionCalls {
  const { login, refreshToken, logout } = AuthService.method;
  const plain = () => ({ metadata: new Metadata(), timeoutMs });
  return {
    login: (credentials) => ask(client, login, messageOf(credentials), plain()).catch(rethrow),
    refresh: (token) => ask(client, refreshToken, { refreshToken: token }, plain()).catch(rethrow),
    async logout([name, value]) {
      const metadata = new Metadata();
      metadata.set(name, value);
      await ask(client, logout, {}, { metadata, timeoutMs }).catch(rethrow);
    },
  };
}

function messageOf(credentials: LoginCredentials): MessageInitShape<typeof LoginRequestSchema> {
  return credentials;
}
