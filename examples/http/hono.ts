import { hasPermission, isAuthenticated } from "countersign";
import { honoAuth } from "countersign/http/hono";
import { Hono } from "hono";
import { auth, internalKey, revocations, users } from "./auth.ts";

const guard = honoAuth(auth, { users, guards: [isAuthenticated] });

const app = new Hono()
  .get("/profile", guard.route(), async (c) => {
    const { context } = c.var;
    return c.json({ user_id: context.userId, username: (await context.user())?.username });
  })
  .get("/public", guard.route({ guards: ["open"] }), (c) => c.json({ message: "Anyone can access this" }))
  .post("/reports", guard.route({ guards: [isAuthenticated, hasPermission("reports:read")] }), async (c) =>
    c.json({ received: await c.req.json() }),
  )
  .get("/internal", guard.route({ auth: [internalKey] }), (c) => c.json({ status: "authorized" }))
  .post("/logout", guard.route(), async (c) => {
    await revocations.revokeToken(c.var.context.claims);
    return c.json({ status: "logged out" });
  });

// Bun, Deno and workers call it as it is: export default server.
export const server = guard.protect(app);
auth.seal();
