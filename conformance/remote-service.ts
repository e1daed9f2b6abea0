// A service of somebody else's in a process of its own, guarded by countersign/remote. Its one argument is a
// `RemoteSettings` in JSON. It serves api.users.UserService with the rules of the program's demo service.
import { setTimeout as pause } from "node:timers/promises";
import { ServerCredentials } from "@grpc/grpc-js";
import { createAuth, hasPermission, isStaff, type Principal, policyFor } from "countersign";
import { grpcAuth, implement } from "countersign/grpc";
import { connectRemote } from "countersign/remote";
import { UserService } from "../examples/gen/api/users/users_pb.ts";
import type { RemoteSettings } from "./remote-process.ts";

const settings = JSON.parse(process.argv[2] ?? "{}") as RemoteSettings;
const remote = connectRemote({ ...settings, onError: ({ message }) => console.error(message) });
const p = policyFor<Principal>();
const auth = createAuth<Principal>({
  authenticators: [remote.apiKey(), remote.jwt()],
  revocations: remote.revocations,
  roles: remote.roles,
  onDecision: remote.count,
  policy: [
    p.rules(UserService, {
      getUser: "optional",
      updateProfile: "authenticated",
      listAllUsers: p.anyOf(isStaff, hasPermission("users:list")),
      deleteUser: "authenticated",
      watchUsers: "authenticated",
      upload: "authenticated",
      chat: "authenticated",
    }),
  ],
});
const server = grpcAuth(auth).createServer();
const users = implement(UserService, {
  getUser: (_request, { principal }) => ({ requestedBy: principal?.username ?? "" }),
  updateProfile: (_request, context) => ({ requestedBy: context.requireUser().username ?? "" }),
  listAllUsers: () => ({ users: [] }),
  deleteUser: () => ({}),
  async *watchUsers(_request, { call, principal }) {
    yield { requestedBy: principal?.username ?? "" };
    await pause(2 ** 31 - 1, undefined, { signal: call.signal, ref: false });
  },
  upload: (_requests, { principal }) => ({ uploadedBy: principal?.username ?? "" }),
  async *chat(messages) {
    for await (const { text } of messages) yield { text };
  },
});
server.addService(users.definition, users.implementation);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), async (error, port) => {
  if (error !== null) throw error;
  const ready = await remote.ready(settings.readyWithinMs).then(
    () => "ready",
    (failure: Error) => failure.message,
  );
  console.log(JSON.stringify({ address: `127.0.0.1:${port}`, ready }));
});
process.once("SIGTERM", async () => {
  server.forceShutdown();
  await remote.close();
});
