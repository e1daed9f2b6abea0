import * as grpc from "@grpc/grpc-js";
import {
  createAuth,
  createRevocations,
  hasPermission,
  isStaff,
  type Principal,
  policyFor,
} from "countersign";
import { staticApiKey } from "countersign/api-key";
import { grpcAuth, implement } from "countersign/grpc";
import { createKeyRing, hmacKey, jwt } from "countersign/jwt";
import { UserService } from "./gen/api/users/users_pb.ts";

export const signingKey = hmacKey({ secret: process.env["JWT_SECRET"] ?? "", algorithm: "HS256" });
export const revocations = createRevocations();

// Who may call what. A method that is left out does not compile.
const p = policyFor<Principal>();
const policy = p.rules(UserService, {
  getUser: "optional",
  updateProfile: "authenticated",
  listAllUsers: p.anyOf(isStaff, hasPermission("users:list")),
  deleteUser: p.allOf(isStaff, (user) => user.userId !== "1"),
  watchUsers: "authenticated",
  upload: "authenticated",
  chat: "authenticated",
});

// How callers prove who they are.
const auth = createAuth<Principal>({
  authenticators: [
    jwt({ keys: createKeyRing([signingKey]) }),
    staticApiKey({
      keys: [{ name: "reports", key: process.env["REPORTS_KEY"] ?? "", permissions: ["users:list"] }],
    }),
  ],
  policy: [policy],
  revocations,
});

// A grpc.Server that does not listen while an RPC has no rule.
export const server = grpcAuth(auth).createServer();
const users = implement(UserService, {
  getUser: ({ userId }, context) => ({ id: userId, requestedBy: context.getUser()?.userId ?? "" }),
  updateProfile: ({ bio }, context) => ({ id: BigInt(context.requireUser().userId), bio }),
  listAllUsers: () => ({ users: [] }),
  deleteUser: () => ({}),
  async *watchUsers(_request, context) {
    yield { requestedBy: context.requireUser().userId };
  },
  async upload(requests) {
    let chunks = 0n;
    for await (const _ of requests) chunks += 1n;
    return { chunks };
  },
  async *chat(messages) {
    for await (const { text } of messages) yield { text };
  },
});
server.addService(users.definition, users.implementation);

export const listen = (address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
