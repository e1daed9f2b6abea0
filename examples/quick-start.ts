import { createServer } from "node:http";
import { createAuth, isAuthenticated } from "countersign";
import { staticApiKey } from "countersign/api-key";
import { nodeAuth } from "countersign/http/node";

const auth = createAuth({
  authenticators: [
    staticApiKey({
      keys: [{ name: "reports", key: process.env["REPORTS_KEY"] ?? "", permissions: ["users:list"] }],
    }),
  ],
  policy: [],
});
const guard = nodeAuth(auth, { guards: [isAuthenticated] });

export const server = createServer(
  guard.listener({
    "GET /me": {
      handle: (_request, response, context) => {
        response.end(context.requireUser().userId);
      },
    },
  }),
);
