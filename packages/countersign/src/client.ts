/** Subpath `countersign/client`: what clients show of themselves, whatever carries their calls. Nothing of Node's is needed. */

export { ClientError } from "./client/client-error.ts";
export type {
  ApiKeyOptions,
  BearerOptions,
  Credential,
  SourcedToken,
  TokenSource,
} from "./client/credential.ts";
export { apiKey, apiKeyFrom, bearer } from "./client/credential.ts";
export type {
  IssuedTokens,
  LoginCredentials,
  Session,
  SessionCalls,
  SessionOptions,
} from "./client/session.ts";
export { createSession } from "./client/session.ts";
export type { RenewStream } from "./client/stream-renewer.ts";
export type { StoredTokens, TokenStore } from "./client/token-store.ts";
export { memoryTokenStore } from "./client/token-store.ts";
