import { createAuth, hasPermission, isStaff, type Principal, policyFor } from "countersign";
import { grpcAuth, implement } from "countersign/grpc";
import { connectRemote } from "countersign/remote";
import { UserService } from "./gen/api/users/users_pb.ts";

// The server that knows the callers: `countersign serve`, on this machine or elsewhere.
export const remote = connectRemote({
  address: process.env["AUTH_ADDRESS"] ?? "127.0.0.1:50051",
  http: process.env["AUTH_HTTP"] ?? "http://127.0.0.1:8000",
  key: process.env["GUARD_KEY"] ?? "",
  serviceName: "users",
  onError: ({ message }) => console.error(`auth server: ${message}`),
});

const p = policyFor<Principal>();
const auth = createAuth<Principal>({
  authenticators: [remote.jwt(), remote.apiKey()],
  revocations: remote.revocations,
  roles: remote.roles,
  onDecision: remote.count,
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

export const server = grpcAuth(auth).createServer();
const users = implement(UserService, {
  getUser: ({ userId }, { principal }) => ({ id: userId, requestedBy: principal?.username ?? "" }),
  updateProfile: ({ bio }, context) => ({ requestedBy: context.requireUser().username ?? "", bio }),
  listAllUsers: () => ({ users: [{ username: "alice" }] }),
  deleteUser: () => ({}),
  async *watchUsers(_request, context) {
    yield { requestedBy: context.requireUser().username ?? "" };
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
