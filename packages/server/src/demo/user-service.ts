import { type CallContext, CallError } from "countersign";
import type { ServiceHandlers } from "countersign/grpc";
import type { Store, UserRecord } from "countersign/store";
import type { UserService } from "../gen/api/users/users_pb.ts";
import { Bulletin } from "./bulletin.ts";

export interface DemoOptions {
  readonly users: Store["users"];
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
}

/** `api.users.UserService`: one RPC of every kind, and one of every kind of rule. */
export function createDemoUserService({ users, caughtUp }: DemoOptions): ServiceHandlers<typeof UserService> {
  const changes = new Bulletin<UserRecord>();

  return {
    async getUser({ userId }, context) {
      // Like the seeds' clients, a call without an id asks about oneself.
      const id = userId === 0n ? context.principal?.userId : String(userId);
      const user = id === undefined ? undefined : await users.load(id);
      if (user === undefined) throw new CallError("NOT_FOUND", "No such user");
      return present(user, context);
    },
    async updateProfile({ bio }, context) {
      const { userId } = context.requireUser();
      const user = await users.update(userId, { attributes: { bio } });
      if (user === undefined) throw new CallError("NOT_FOUND", "No such user");
      await caughtUp();
      changes.post(user);
      return present(user, context);
    },
    async listAllUsers(_request, context) {
      return { users: (await users.list({ limit: 1000 })).map((user) => present(user, context)) };
    },
    async deleteUser({ userId }, context) {
      context.requireSuperuser();
      if (!(await users.delete(String(userId)))) throw new CallError("NOT_FOUND", "No such user");
      await caughtUp();
      return {};
    },
    async *watchUsers(_request, context) {
      const news = changes.read(context.call.signal);
      for (const user of await users.list({ limit: 1000 })) yield present(user, context);
      for await (const user of news) yield present(user, context);
    },
    async upload(requests, context) {
      let chunks = 0n;
      let bytes = 0n;
      for await (const { chunk } of requests) {
        chunks += 1n;
        bytes += BigInt(chunk.length);
      }
      return { chunks, bytes, uploadedBy: nameOf(context) };
    },
    async *chat(messages, context) {
      for await (const { text } of messages) yield { text: `You said: ${text}`, from: nameOf(context) };
    },
  };
}

function present(user: UserRecord, context: CallContext) {
  return {
    id: BigInt(user.id),
    username: user.username,
    email: user.email ?? "",
    bio: user.attributes["bio"] ?? "",
    requestedBy: nameOf(context),
  };
}

function nameOf({ principal }: CallContext): string {
  return principal?.username ?? principal?.userId ?? "";
}
