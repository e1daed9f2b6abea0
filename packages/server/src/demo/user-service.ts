import { type CallContext, CallError } from "countersign";
import type { ServiceHandlers } from "countersign/grpc";
import { isVisibleTo, tenantToList, visibleTo } from "countersign/service";
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
  /** Those whom the caller may know of. */
  const known = ({ principal }: CallContext): Promise<readonly UserRecord[]> =>
    users.list({ limit: 1000, tenantId: tenantToList(principal) });

  return {
    async getUser({ userId }, context) {
      // Like the seeds' clients, a call without an id asks about oneself.
      const id = userId === 0n ? context.principal?.userId : String(userId);
      const user = id === undefined ? undefined : await users.load(id);
      if (user === undefined || !isVisibleTo(context.principal, user))
        throw new CallError("NOT_FOUND", "No such user");
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
      return { users: (await known(context)).map((user) => present(user, context)) };
    },
    async deleteUser({ userId }, context) {
      const caller = context.requireSuperuser();
      const user = visibleTo(caller, await users.load(String(userId)));
      if (user === undefined || !(await users.delete(user.id)))
        throw new CallError("NOT_FOUND", "No such user");
      await caughtUp();
      return {};
    },
    async *watchUsers(_request, context) {
      const news = changes.read(context.call.signal);
      for (const user of await known(context)) yield present(user, context);
      for await (const user of news) if (isVisibleTo(context.principal, user)) yield present(user, context);
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
