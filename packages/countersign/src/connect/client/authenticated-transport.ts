import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import type { Credential } from "../../client/credential.ts";
import { type RenewStream, streamHeader } from "../../client/stream-renewer.ts";
import { AuthService } from "../../gen/auth/v1/auth_pb.ts";
import { rethrow } from "./client-failure.ts";
import { credentialInterceptor } from "./credential-interceptor.ts";

/** How long one renewal may take. */
const timeoutMs = 5000;

/**
 * A transport whose calls show a credential, and whose streams live longer than a token where the server has RenewStream:
 * `createAuthenticatedTransport(session, (interceptors) => createConnectTransport({ baseUrl, interceptors }))`.
 */
export function createAuthenticatedTransport(
  credential: Credential,
  make: (interceptors: Interceptor[]) => Transport,
): Transport {
  const renewStream: RenewStream = async (streamId, [name, value]) => {
    const auth = createClient(AuthService, transport);
    const headers = { [name]: value, [streamHeader]: streamId };
    await auth.renewStream({ streamId }, { headers, timeoutMs }).catch(rethrow);
  };
  const transport = make([credentialInterceptor(credential, { renewStream })]);
  return transport;
}
