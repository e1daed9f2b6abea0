import { hasPermission, isAuthenticated } from "countersign";
import { fetchAuth } from "countersign/http/fetch";
import { auth, internalKey, revocations, users } from "./auth.ts";

const guard = fetchAuth(auth, { users, guards: [isAuthenticated] });

// Deno.serve(handler), Bun.serve({ fetch: handler }), export default { fetch: handler }
export const handler = guard.handler({
  "GET /profile": {
    handle: async (_request, context) =>
      Response.json({ user_id: context.userId, username: (await context.user())?.username }),
  },
  "GET /public": {
    guards: ["open"],
    handle: () => Response.json({ message: "Anyone can access this" }),
  },
  "POST /reports": {
    guards: [isAuthenticated, hasPermission("reports:read")],
    handle: async (request) => Response.json({ received: await request.json() }),
  },
  "GET /internal": {
    auth: [internalKey],
    handle: () => Response.json({ status: "authorized" }),
  },
  "POST /logout": {
    handle: async (_request, context) => {
      await revocations.revokeToken(context.claims);
      return Response.json({ status: "logged out" });
    },
  },
});
auth.seal();
