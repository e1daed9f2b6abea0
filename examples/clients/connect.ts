import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import type { LoginCredentials } from "countersign/client";
import { createAuthenticatedTransport, openSession } from "countersign/connect/client";
import { UserService } from "../gen/api/users/users_pb.ts";

/**
 * The same in a browser, and in Node. `make` is yours: `(interceptors) => createConnectTransport({ baseUrl, interceptors })` of
 * @connectrpc/connect-web, or of @connectrpc/connect-node.
 */
export async function followUsers(
  make: (interceptors: Interceptor[]) => Transport,
  who: LoginCredentials,
  onUser: (name: string) => boolean,
): Promise<void> {
  const session = openSession({ transport: make });
  await session.login(who);
  const users = createClient(
    UserService,
    createAuthenticatedTransport(session, (interceptors) => make(interceptors)),
  );
  // Lives longer than the token that it began with.
  for await (const { username } of users.watchUsers({})) if (!onUser(username)) break;
  await session.logout();
}
