import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { grants, type Principal } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import { isRoleFor } from "../core/tenant.ts";
import type {
  CreateUserRequest,
  GetUserRequest,
  LinkIdentityRequest,
  ListIdentitiesRequest,
  ListUsersRequest,
  SetPasswordRequest,
  UnlinkIdentityRequest,
  UpdateUserRequest,
  UserService,
} from "../gen/auth/v1/users_pb.ts";
import { Conflict, type UserPatch, type UserRecord, type UserStore } from "../store/contracts.ts";
import type { IdentityStore, SessionStore, TotpStore } from "../store/session-contracts.ts";
import { IdentityLinks } from "./identity-links.ts";
import { found, idsToList, pageOf, pageSize, readPageToken } from "./page.ts";
import { passwordViolation } from "./passwords.ts";
import { requireHeld, requireRank } from "./rank.ts";
import { tenantOfNew, tenantToList, visibleTo } from "./tenancy.ts";
import { userMessage } from "./user-message.ts";

export interface UserServiceOptions {
  readonly users: UserStore;
  /** What the roles of accounts stand for: nobody touches one that may do more. */
  readonly roles: RoleDirectory;
  /** What a new password ends, and a second factor that is taken off. */
  readonly sessions: Pick<SessionStore, "revokeAll">;
  readonly totp: Pick<TotpStore, "load" | "disable">;
  readonly identities: Pick<IdentityStore, "find" | "list" | "link" | "unlink">;
  /** The tenant whose issuer that is: its identities stand for that tenant's users alone. Default: every issuer is the installation's. */
  readonly tenantOfIssuer?: (issuer: string) => string | undefined;
  /** Makes a PHC string of a password. */
  readonly hashPassword: (password: string) => Promise<string>;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
}

/** `auth.v1.UserService`: accounts, for administrators. */
export function createUserService(options: UserServiceOptions): ServiceHandlers<typeof UserService> {
  return new UserServiceHandlers(options);
}

class UserServiceHandlers implements ServiceHandlers<typeof UserService> {
  readonly #options: UserServiceOptions;
  readonly #users: UserStore;
  readonly #links: IdentityLinks;

  constructor(options: UserServiceOptions) {
    this.#options = options;
    this.#users = options.users;
    this.#links = new IdentityLinks(options);
  }

  async createUser(request: CreateUserRequest, context: CallContext) {
    const { username, email, isStaff, isSuperuser, password } = request;
    const roles = [...new Set(request.roles)];
    check(username, email, password);
    const caller = context.requireUser();
    const tenantId = tenantOfNew(caller, request.tenant);
    if (roles.length > 0 && !grants(caller, "auth.roles:write")) {
      context.abortPermissionDenied("Permission 'auth.roles:write' required");
    }
    await this.#options.caughtUp();
    // Another tenant's role gives nothing here: the store says that there is none such.
    const given = roles.filter((role) => isRoleFor(tenantId, role));
    requireRank(caller, { isStaff, isSuperuser, roles: given, permissions: [] }, this.#options.roles);
    for (const role of given) requireHeld(caller, this.#options.roles.permissionsOf([role]));
    const passwordHash = password === "" ? undefined : await this.#options.hashPassword(password);
    const optional = { email: email === "" ? undefined : email, passwordHash };
    const user = { username, isStaff, isSuperuser, roles, tenantId, ...optional };
    return { user: userMessage(await conflictsNamed(this.#users.create(user))) };
  }

  async getUser(request: GetUserRequest, context: CallContext) {
    const user = found(visibleTo(context.requireUser(), await select(this.#users, request)), "user");
    const factor = await this.#options.totp.load(user.id);
    return { user: userMessage(user), hasSecondFactor: factor?.confirmedAt !== undefined };
  }

  async listUsers(request: ListUsersRequest, context: CallContext) {
    const { pageToken, query, tenant } = request;
    const limit = pageSize(request.pageSize);
    const ids = idsToList(request.ids)?.map(String);
    requireShort("query", query);
    const [after] = readPageToken(pageToken, 1) ?? [];
    const text = query === "" ? undefined : query;
    const tenantId = tenantToList(context.requireUser(), tenant);
    const rows = await this.#users.list({ limit: limit + 1, after, ids, text, tenantId });
    const page = pageOf(rows, limit, (user) => [user.id]);
    return { users: page.rows.map(userMessage), nextPageToken: page.nextPageToken };
  }

  updateUser({ id, username, email, isStaff, isSuperuser }: UpdateUserRequest, context: CallContext) {
    check(username ?? "unchanged", email ?? "", "");
    return this.#change(id, context, { username, email, isStaff, isSuperuser });
  }

  disableUser({ id }: { readonly id: bigint }, context: CallContext) {
    return this.#change(id, context, { isActive: false });
  }

  async enableUser({ id }: { readonly id: bigint }, context: CallContext) {
    await this.#change(id, context, { isActive: true });
    const user = await this.#users.unlockPassword(String(id), context.requireUser().userId);
    return { user: userMessage(found(user, "user")) };
  }

  async deleteUser({ id }: { readonly id: bigint }, context: CallContext) {
    const caller = context.requireUser();
    const user = found(visibleTo(caller, await this.#users.load(String(id))), "user");
    await this.#options.caughtUp();
    requireRank(caller, user, this.#options.roles);
    if (!(await conflictsNamed(this.#users.delete(user.id))))
      throw new CallError("NOT_FOUND", "No such user");
    await this.#options.caughtUp();
    return {};
  }

  async setPassword({ id, password }: SetPasswordRequest, context: CallContext) {
    check("unchanged", "", password);
    if (password === "") throw invalidArgument({ field: "password", description: "is missing" });
    await this.#change(id, context, { passwordHash: await this.#options.hashPassword(password) });
    await endSessions(this.#options.sessions, String(id), context.requireUser());
    await this.#options.caughtUp();
    return {};
  }

  async resetSecondFactor({ id }: { readonly id: bigint }, context: CallContext) {
    const { totp, sessions, caughtUp, roles } = this.#options;
    await caughtUp();
    const caller = context.requireUser();
    const user = found(visibleTo(caller, await this.#users.load(String(id))), "user");
    requireRank(caller, user, roles);
    // Whoever holds an open session, or a key, is not yet who holds the second factor.
    if (user.id === caller.userId)
      throw new CallError(
        "FAILED_PRECONDITION",
        "Turn your own off with DisableTotp, which asks for the password",
      );
    if (!(await totp.disable(user.id, caller.userId)))
      throw new CallError("FAILED_PRECONDITION", "No second factor is on");
    await sessions.revokeAll(user.id, { reason: "second factor reset", by: caller.userId });
    await caughtUp();
    return {};
  }

  listIdentities({ userId }: ListIdentitiesRequest, context: CallContext) {
    return this.#links.list(String(userId), context.requireUser());
  }

  linkIdentity(request: LinkIdentityRequest, context: CallContext) {
    return this.#links.link(request, context.requireUser());
  }

  unlinkIdentity(request: UnlinkIdentityRequest, context: CallContext) {
    return this.#links.unlink(request, context.requireUser());
  }

  /** One change: who it is about, may the caller, the change itself, and no answer before this node refuses by it. */
  async #change(id: bigint, context: CallContext, patch: UserPatch) {
    await this.#options.caughtUp();
    const caller = context.requireUser();
    const before = found(visibleTo(caller, await this.#users.load(String(id))), "user");
    const { isStaff = false, isSuperuser = false } = patch;
    const { roles } = this.#options;
    requireRank(caller, before, roles);
    requireRank(caller, { ...before, isStaff, isSuperuser }, roles);
    const after = found(await conflictsNamed(this.#users.update(before.id, patch)), "user");
    await this.#options.caughtUp();
    return { user: userMessage(after) };
  }
}

/** Of a user whose password was set. Whoever set their own stays logged in. */
async function endSessions(
  sessions: UserServiceOptions["sessions"],
  userId: string,
  { userId: by, sessionId }: Principal,
): Promise<void> {
  const except = by === userId ? sessionId : undefined;
  await sessions.revokeAll(userId, { reason: "password set", by, except });
}

async function select(users: UserStore, { selector }: GetUserRequest): Promise<UserRecord | undefined> {
  switch (selector.case) {
    case "id":
      return users.load(String(selector.value));
    case "username":
      requireShort("username", selector.value);
      return users.findByUsername(selector.value);
    case "email":
      requireShort("email", selector.value);
      return users.findByEmail(selector.value);
    case undefined:
      throw invalidArgument({ field: "id", description: "name a user by id, username or email" });
  }
}

/** Folding its case may make a text many times as long. */
function requireShort(field: string, text: string): void {
  if (text.length > 254) throw invalidArgument({ field, description: "at most 254 characters" });
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
    if (error.field === "roles" || error.field === "tenant") throw invalidArgument(violation);
    throw new CallError(taken ? "ALREADY_EXISTS" : "FAILED_PRECONDITION", error.message, [violation]);
  }
}
