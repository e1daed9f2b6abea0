import { createServer } from "node:http";
import { hasPermission, isAuthenticated } from "countersign";
import { expressAuth } from "countersign/http/express";
import express from "express";
import { auth, internalKey, revocations, users } from "./auth.ts";

// What a route needs that says nothing itself.
const guard = expressAuth(auth, { users, guards: [isAuthenticated] });
const api = guard.router({ body: express.json() });

api.get("/profile", async ({ context, user }, response) => {
  response.json({ user_id: context.userId, username: (await user)?.username });
});
api.get("/public", { guards: ["open"] }, (_request, response) => {
  response.json({ message: "Anyone can access this" });
});
api.post("/reports", { guards: [isAuthenticated, hasPermission("reports:read")] }, ({ body }, response) => {
  response.json({ received: body });
});
// Keys alone, and the guards of all other routes.
api.get("/internal", { auth: [internalKey] }, (_request, response) => {
  response.json({ status: "authorized" });
});
api.post("/logout", async ({ context }, response) => {
  await revocations.revokeToken(context.claims);
  response.json({ status: "logged out" });
});

const app = express().use(api);
export const server = createServer(guard.listener(app));
auth.seal();
