import assert from "node:assert/strict";
import { it } from "node:test";
import { runWithoutNode } from "../../http/run-without-node.suite.ts";

it("countersign/connect/client and countersign/client log in and renew where nothing of Node's is to be had at all", () => {
  const { result, modules, builtins } = runWithoutNode(`
    import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
    import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
    import { AuthService } from "../gen/auth/v1/auth_pb.ts";
    import { memoryTokenStore } from "../client.ts";
    import { credentialInterceptor, openSession } from "../connect/client.ts";

    const pair = (n) => ({ accessToken: "a" + n, refreshToken: "r" + n, expiresIn: 900n });
    const expired = () => new ConnectError("Token expired", Code.Unauthenticated, undefined, [
      { desc: ErrorInfoSchema, value: { reason: "TOKEN_EXPIRED", domain: "countersign" } },
    ]);
    const routes = (router) => router.service(AuthService, {
      login: () => pair(1),
      refreshToken: ({ refreshToken }) => pair(Number(refreshToken.slice(1)) + 1),
      whoAmI(_request, { requestHeader }) {
        const shown = requestHeader.get("authorization");
        if (shown !== "Bearer a2") throw expired();
        return { userId: shown };
      },
    });
    const store = memoryTokenStore();
    const session = openSession({
      transport: (interceptors) => createRouterTransport(routes, { transport: { interceptors } }),
      store,
    });
    const transport = createRouterTransport(routes, {
      transport: { interceptors: [credentialInterceptor(session)] },
    });
    export const result = (async () => {
      await session.login({ username: "ada", password: "x" });
      const { userId } = await createClient(AuthService, transport).whoAmI({});
      return [typeof process, typeof Buffer, userId, (await store.load()).refreshToken];
    })();
  `);
  assert.deepEqual(result, ["undefined", "undefined", "Bearer a2", "r2"]);
  assert.deepEqual(builtins, []);
  assert.ok(modules > 30, String(modules));
});
