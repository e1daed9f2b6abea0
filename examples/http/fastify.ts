import swagger from "@fastify/swagger";
import { hasPermission, isAuthenticated } from "countersign";
import { fastifyAuth } from "countersign/http/fastify";
import Fastify from "fastify";
import { auth, internalKey, revocations, users } from "./auth.ts";

const guard = fastifyAuth(auth, { users, guards: [isAuthenticated] });
export const app = Fastify();

// OpenAPI: each route's `security` is what its rule says.
const { securitySchemes } = guard;
await app.register(swagger, { openapi: { components: { securitySchemes } } });
await app.register(guard.plugin);

app.get("/profile", async (request) => {
  const context = guard.context(request);
  return { user_id: context.userId, username: (await context.user())?.username };
});
app.get("/public", guard.rule({ guards: ["open"] }), () => ({ message: "Anyone can access this" }));
app.post(
  "/reports",
  {
    ...guard.rule({ guards: [isAuthenticated, hasPermission("reports:read")] }),
    schema: { body: { type: "object" } },
  },
  ({ body }) => ({ received: body }),
);
app.get("/internal", guard.rule({ auth: [internalKey] }), () => ({ status: "authorized" }));
app.post("/logout", async (request) => {
  await revocations.revokeToken(guard.context(request).claims);
  return { status: "logged out" };
});

await app.ready();
auth.seal();
