import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createSession, type Session, type SessionCalls, type SessionOptions } from "../../client/session.ts";
import { AuthService } from "../../gen/auth/v1/auth_pb.ts";
import { rethrow } from "./client-failure.ts";
import { protectedOnly } from "./credential-interceptor.ts";

export interface ConnectSessionOptions extends SessionOptions {
  /**
   * Makes a transport to where AuthService is, with these interceptors, and none that adds a credential:
   * `(interceptors) => createConnectTransport({ baseUrl, interceptors })`. They see to it that a password is sent in clear to
   * this machine alone.
   */
  readonly transport: (interceptors: Interceptor[]) => Transport;
  /** How long one call to AuthService may take. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** A session over Connect, in Node and in a browser: log in, or go on with what the store has. */
export function openSession(options: ConnectSessionOptions): Session {
  const { transport, timeoutMs = 10_000, ...rest } = options;
  return createSession(sessionCalls(transport([protectedOnly]), timeoutMs), rest);
}

function sessionCalls(transport: Transport, timeoutMs: number): SessionCalls {
  const auth = createClient(AuthService, transport);
  return {
    login: (credentials) => auth.login(credentials, { timeoutMs }).catch(rethrow),
    refresh: (refreshToken) => auth.refreshToken({ refreshToken }, { timeoutMs }).catch(rethrow),
    async logout([name, value]) {
      await auth.logout({}, { timeoutMs, headers: { [name]: value } }).catch(rethrow);
    },
  };
}
