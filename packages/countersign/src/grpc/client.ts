/** Subpath `countersign/grpc/client`: clients of grpc-js that show a credential, and renew it. */

export type {
  AuthenticatedChannel,
  AuthenticatedChannelOptions,
  ClientClass,
} from "./client/authenticated-channel.ts";
export { createApiKeyChannel, createAuthenticatedChannel } from "./client/authenticated-channel.ts";
export type { CredentialInterceptorOptions } from "./client/credential-interceptor.ts";
export { credentialInterceptor } from "./client/credential-interceptor.ts";
export { renewsStreams } from "./client/renews-streams.ts";
export type { ClientTls } from "./client/server-address.ts";
export type { GrpcSession, GrpcSessionOptions } from "./client/session-calls.ts";
export { openSession } from "./client/session-calls.ts";
