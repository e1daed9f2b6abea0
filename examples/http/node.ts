import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { hasPermission, isAuthenticated } from "countersign";
import { type NodeResponse, nodeAuth } from "countersign/http/node";
import { auth, internalKey, revocations, users } from "./auth.ts";

const guard = nodeAuth(auth, { users, guards: [isAuthenticated] });
const send = (response: NodeResponse, body: unknown) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
};

const listener = guard.listener({
  "GET /profile": {
    handle: async (_request, response, context) =>
      send(response, { user_id: context.userId, username: (await context.user())?.username }),
  },
  "GET /public": {
    guards: ["open"],
    handle: (_request, response) => send(response, { message: "Anyone can access this" }),
  },
  "POST /reports": {
    guards: [isAuthenticated, hasPermission("reports:read")],
    handle: async (request, response) => send(response, { received: await json(request) }),
  },
  "GET /internal": {
    auth: [internalKey],
    handle: (_request, response) => send(response, { status: "authorized" }),
  },
  "POST /logout": {
    handle: async (_request, response, context) => {
      await revocations.revokeToken(context.claims);
      send(response, { status: "logged out" });
    },
  },
});

export const server = createServer({ requestTimeout: 30_000 }, listener);
auth.seal();
