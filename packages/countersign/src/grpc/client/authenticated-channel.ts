import { type ChannelCredentials, type ChannelOptions, Client, type ClientOptions } from "@grpc/grpc-js";
import {
  apiKey,
  bearer,
  type Credential,
  requireCredential,
  type TokenSource,
} from "../../client/credential.ts";
import type { RenewStream } from "../../client/stream-renewer.ts";
import { channelOptions } from "./channel-options.ts";
import { credentialInterceptor } from "./credential-interceptor.ts";
import { renewsStreams } from "./renews-streams.ts";
import { type ClientTls, readServerAddress } from "./server-address.ts";

export interface AuthenticatedChannelOptions {
  /** Needed on this machine only where the server speaks TLS there, too. */
  readonly tls?: ClientTls | undefined;
  /** Of grpc-js, such as keepalive. */
  readonly channelOptions?: ChannelOptions | undefined;
}

/** A class of a client of grpc-js's: generated, or of `makeClientConstructor()`. */
export type ClientClass<C> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => C;

/** Where a server is, and what each call to it shows: what a client of grpc-js is made with. */
export interface AuthenticatedChannel {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  /** With the interceptor that shows the credential. */
  readonly options: Partial<ClientOptions>;
  /** A client, which is closed together with the channel. All of them share one connection. */
  client<C extends { close(): void }>(Class: ClientClass<C>): C;
  close(): void;
}

/**
 * A channel whose calls show a token: one of a session (`openSession()`), of a source, or a text. `HOST:PORT` is reached by TLS;
 * in clear only where it is this machine, as `unix:PATH` is. Streams live longer than a token where the server has RenewStream. A `TypeError` for an address or a token that is none.
 */
export function createAuthenticatedChannel(
  address: string,
  token: Credential | TokenSource | string,
  options: AuthenticatedChannelOptions = {},
): AuthenticatedChannel {
  const credential = typeof token === "string" || typeof token === "function" ? bearer(token) : token;
  return channelOf(address, requireCredential(credential, "a token"), options);
}

/** The same with an API key in `x-api-key`; `apiKey(key, { header })` for another header. */
export function createApiKeyChannel(
  address: string,
  key: Credential | string,
  options: AuthenticatedChannelOptions = {},
): AuthenticatedChannel {
  const credential = typeof key === "string" ? apiKey(key) : key;
  return channelOf(address, requireCredential(credential, "an API key"), options);
}

function channelOf(
  address: string,
  credential: Credential,
  { tls, channelOptions: given }: AuthenticatedChannelOptions,
): AuthenticatedChannel {
  const server = readServerAddress(address, tls);
  const clients = new Set<{ close(): void }>();
  const plain = { ...channelOptions, ...given };
  let renewing: RenewStream | undefined;
  // Made when the first stream needs it; it shares the connection of the others.
  const renewStream: RenewStream = (streamId, header) => {
    if (renewing === undefined) {
      const client = new Client(server.target, server.credentials, plain);
      clients.add(client);
      renewing = renewsStreams(client);
    }
    return renewing(streamId, header);
  };
  const options: Partial<ClientOptions> = Object.freeze({
    ...plain,
    interceptors: [
      credentialInterceptor(credential, { secure: server.credentials._isSecure(), renewStream }),
    ],
  });
  return Object.freeze({
    address: server.target,
    credentials: server.credentials,
    options,
    client<C extends { close(): void }>(Made: ClientClass<C>): C {
      const made = new Made(server.target, server.credentials, options);
      clients.add(made);
      return made;
    },
    close() {
      for (const client of clients) client.close();
      clients.clear();
    },
  });
}
