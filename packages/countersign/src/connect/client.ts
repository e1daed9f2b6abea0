/** Subpath `countersign/connect/client`: Connect's clients that show a credential, and renew it. Nothing of Node's is needed. */

export { createAuthenticatedTransport } from "./client/authenticated-transport.ts";
export type { CredentialInterceptorOptions } from "./client/credential-interceptor.ts";
export { credentialInterceptor } from "./client/credential-interceptor.ts";
export type { ConnectSessionOptions } from "./client/session-calls.ts";
export { openSession } from "./client/session-calls.ts";
