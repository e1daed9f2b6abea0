import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import type { GetUserRequest, UserService } from "../gen/auth/v1/users_pb.ts";
import { Conflict, type UserPatch, type UserRecord, type UserStore } from "../store/contracts.ts";
import { found, pageOf, pageSize, readPageToken } from "./page.ts";
import { passwordViolation } from "./passwords.ts";
import { requireRank } from "./rank.ts";
import { userMessage } from "./user-message.ts";

export interface UserServiceOptions {
  readonly users: UserStore;
  /** Makes a PHC string of a password. */
  readonly hashPassword: (password: string) => Promise<string>;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
}

/** `auth.v1.UserService`: accounts, for administrators. */
export function createUserService(options: UserServiceOptions): ServiceHandlers<typeof UserService> {
  const { users, hashPassword, caughtUp } = options;

  /** One change: who it is about, may the caller, the change itself, and no answer before this node refuses by it. */
  async function change(
    id: bigint,
    context: CallContext,
    patch: UserPatch,
  ): Promise<{ user: ReturnType<typeof userMessage> }> {
    const before = found(await users.load(String(id)), "user");
    const caller = context.requireUser();
    requireRank(caller, before);
    requireRank(caller, {
      ...before,
      isStaff: patch.isStaff ?? false,
      isSuperuser: patch.isSuperuser ?? false,
    });
    const after = found(await conflictsNamed(users.update(before.id, patch)), "user");
    await caughtUp();
    return { user: userMessage(after) };
  }

  return {
    async createUser(request, context) {
      const { username, email, isStaff, isSuperuser, password } = request;
      check(username, email, password);
      requireRank(context.requireUser(), { isStaff, isSuperuser, permissions: [] });
      const passwordHash = password === "" ? undefined : await hashPassword(password);
      const user = { username, email: email === "" ? undefined : email, isStaff, isSuperuser, passwordHash };
      return { user: userMessage(await conflictsNamed(users.create(user))) };
    },
    async getUser(request) {
      return { user: userMessage(found(await select(users, request), "user")) };
    },
    async listUsers({ pageSize: size, pageToken, query }) {
      const limit = pageSize(size);
      const [after] = readPageToken(pageToken, 1) ?? [];
      const rows = await users.list({ limit: limit + 1, after, text: query === "" ? undefined : query });
      const page = pageOf(rows, limit, (user) => [user.id]);
      return { users: page.rows.map(userMessage), nextPageToken: page.nextPageToken };
    },
    updateUser({ id, username, email, isStaff, isSuperuser }, context) {
      check(username ?? "unchanged", email ?? "", "");
      return change(id, context, { username, email, isStaff, isSuperuser });
    },
    disableUser: ({ id }, context) => change(id, context, { isActive: false }),
    enableUser: ({ id }, context) => change(id, context, { isActive: true }),
    async deleteUser({ id }, context) {
      const user = found(await users.load(String(id)), "user");
      requireRank(context.requireUser(), user);
      if (!(await conflictsNamed(users.delete(user.id)))) throw new CallError("NOT_FOUND", "No such user");
      await caughtUp();
      return {};
    },
    async setPassword({ id, password }, context) {
      check("unchanged", "", password);
      if (password === "") throw invalidArgument({ field: "password", description: "is missing" });
      await change(id, context, { passwordHash: await hashPassword(password) });
      return {};
    },
  };
}

async function select(users: UserStore, { selector }: GetUserRequest): Promise<UserRecord | undefined> {
  switch (selector.case) {
    case "id":
      return users.load(String(selector.value));
    case "username":
      return users.findByUsername(selector.value);
    case "email":
      return users.findByEmail(selector.value);
    case undefined:
      throw invalidArgument({ field: "id", description: "name a user by id, username or email" });
  }
}

function check(username: string, email: string, password: string): void {
  const violations: FieldViolation[] = [];
  if (!/^[\p{L}\p{N}_.@+-]{1,150}$/u.test(username)) {
    violations.push({ field: "username", description: "1 to 150 letters, digits, or any of _ . @ + -" });
  }
  if (email !== "" && (email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email))) {
    violations.push({ field: "email", description: "not an email address" });
  }
  const weak = password === "" ? undefined : passwordViolation(password, { username, email });
  if (weak !== undefined) violations.push(weak);
  const [first, ...rest] = violations;
  if (first !== undefined) throw invalidArgument(first, ...rest);
}

/** A name that is taken is `ALREADY_EXISTS`; what would leave nobody in charge is `FAILED_PRECONDITION`. */
async function conflictsNamed<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const taken = error.field === "username" || error.field === "email";
    const violation = { field: error.field, description: error.message };
    throw new CallError(taken ? "ALREADY_EXISTS" : "FAILED_PRECONDITION", error.message, [violation]);
  }
}
