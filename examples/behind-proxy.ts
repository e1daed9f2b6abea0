import type * as grpc from "@grpc/grpc-js";
import { createAuth, type Guard, isStaff, type Principal, policyFor } from "countersign";
import { grpcAuth, implement } from "countersign/grpc";
import { jwt, type KeyRing } from "countersign/jwt";
import { UserService } from "./gen/api/users/users_pb.ts";

/** A service behind a proxy. `keys`: `keyRingFromJwks()` of /.well-known/jwks.json, fetched every few minutes. */
export function createServer(keys: () => KeyRing): grpc.Server {
  const p = policyFor<Principal>();
  // A token for one RPC is no token for another.
  const meant: Guard<Principal> = (user, { procedure }) => user.claims["procedure"] === procedure;
  const auth = createAuth<Principal>({
    authenticators: [
      jwt({
        keys,
        header: "x-countersign-identity",
        scheme: "",
        typ: "countersign-identity+jwt",
        tokenType: "identity",
        audience: "users",
        maxLifetimeSeconds: 60,
        sessions: false,
        name: "proxy",
      }),
    ],
    // The proxy has asked already; what stands here is asked again.
    policy: [
      p.rules(UserService, {
        getUser: "optional",
        updateProfile: meant,
        listAllUsers: p.allOf(meant, isStaff),
        deleteUser: p.allOf(meant, isStaff),
        watchUsers: meant,
        upload: meant,
        chat: meant,
      }),
    ],
  });
  const server = grpcAuth(auth).createServer();
  const users = implement(UserService, {
    getUser: (_request, { principal }) => ({ requestedBy: principal?.username ?? "" }),
    updateProfile: ({ bio }, context) => ({ requestedBy: context.requireUser().username ?? "", bio }),
    listAllUsers: () => ({ users: [] }),
    deleteUser: () => ({}),
    async *watchUsers(_request, context) {
      yield { requestedBy: context.requireUser().username ?? "" };
    },
    upload: (_chunks, context) => ({ uploadedBy: context.requireUser().username ?? "" }),
    async *chat(lines) {
      for await (const { text } of lines) yield { text };
    },
  });
  server.addService(users.definition, users.implementation);
  return server;
}
