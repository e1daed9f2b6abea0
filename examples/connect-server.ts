import { createServer } from "node:http";
import type { ConnectRouter } from "@connectrpc/connect";
import { createAuth, hasPermission, isStaff, type Principal, policyFor } from "countersign";
import { staticApiKey } from "countersign/api-key";
import { connectAuth } from "countersign/connect";
import { connectListener } from "countersign/connect/node";
import { UserService } from "./gen/api/users/users_pb.ts";

const p = policyFor<Principal>();
const auth = createAuth<Principal>({
  authenticators: [
    staticApiKey({
      keys: [{ name: "reports", key: process.env["REPORTS_KEY"] ?? "", permissions: ["users:list"] }],
    }),
  ],
  policy: [
    p.rules(UserService, {
      getUser: "optional",
      updateProfile: "authenticated",
      listAllUsers: p.anyOf(isStaff, hasPermission("users:list")),
      deleteUser: isStaff,
      watchUsers: "authenticated",
      upload: "authenticated",
      chat: "authenticated",
    }),
  ],
});
const guard = connectAuth(auth);

const routes = (router: ConnectRouter) =>
  router.service(UserService, {
    getUser: ({ userId }, context) => ({ id: userId, requestedBy: guard.principal(context)?.userId ?? "" }),
    listAllUsers: () => ({ users: [{ username: "alice" }] }),
    updateProfile: ({ bio }, context) => ({ requestedBy: guard.context(context).requireUser().userId, bio }),
    async *watchUsers(_request, context) {
      yield { requestedBy: guard.context(context).requireUser().userId };
    },
  });

// Throws here if an RPC has no rule, and in the next line if a rule has no RPC.
export const server = createServer({ requestTimeout: 30_000 }, connectListener(guard, { routes }));
auth.seal();
