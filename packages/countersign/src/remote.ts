/** Subpath `countersign/remote`: a service in another process than the server that knows its callers. */

export type { KeyAuthenticatorOptions } from "./authenticator/api-key.ts";
export type { ClientTls as RemoteTls } from "./grpc/client/server-address.ts";
export {
  connectRemote,
  type Remote,
  type RemoteJwtOptions,
  type RemoteOptions,
} from "./remote/connect-remote.ts";
export { RemoteUnavailable } from "./remote/connection.ts";
export type { RemoteState } from "./remote/remote-watch.ts";
