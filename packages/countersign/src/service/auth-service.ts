import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type {
  ApiKeyRequest,
  ApiKeyResponseSchema,
  AuthService,
  ChangePasswordRequest,
  DisableTotpRequest,
  ListSessionsRequest,
  LoginRequest,
  RefreshTokenRequest,
  RenewStreamRequest,
  RevokeSessionRequest,
} from "../gen/auth/v1/auth_pb.ts";
import type { RefreshTokens } from "../session/refresh-token.ts";
import type { Seal } from "../session/seal.ts";
import type { Store, UserRecord } from "../store/contracts.ts";
import type { SessionRecord } from "../store/session-contracts.ts";
import { identityMessage } from "./identity-message.ts";
import { Login } from "./login.ts";
import type { LoginLimitOptions } from "./login-limits.ts";
import { found, pageOf, pageSize, readTimePosition } from "./page.ts";
import { type Passwords, passwordViolation } from "./passwords.ts";
import { type Roles, requireRank } from "./rank.ts";
import { requireReason } from "./reason.ts";
import { SecondFactor } from "./second-factor.ts";
import { currentSession, endCurrentSession, mayReach, sessionMessage } from "./session-access.ts";
import {
  createSessionTokens,
  type Lifetimes,
  type SessionTokensOptions,
  type TokenPair,
} from "./session-tokens.ts";
import type { RenewStream } from "./stream-renewal.ts";
import { visibleTo } from "./tenancy.ts";
import { userMessage } from "./user-message.ts";

export interface AuthServiceOptions extends Pick<SessionTokensOptions, "signingKey" | "issuer" | "audience"> {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly refreshTokens: RefreshTokens;
  readonly seal: Seal;
  readonly lifetimes: Lifetimes;
  /** How an authenticator app names this installation. */
  readonly name: string;
  /** What the roles of accounts stand for. */
  readonly roles: Roles;
  /** How many logins may fail. */
  readonly loginLimits?: LoginLimitOptions | undefined;
  /** Says whether an API key is good for a service. */
  readonly validateApiKey: ValidateApiKey;
  /** Renews streams that are open on this node. */
  readonly renewStream: RenewStream;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** Answers for a key without saying why one is not good. */
export type ValidateApiKey = (
  request: ApiKeyRequest,
  context: CallContext,
) => Promise<MessageInitShape<typeof ApiKeyResponseSchema>>;

/** How long a refresh token that was just used may be presented again, while its successor is not used. */
const replayGraceMs = 10_000;

/** `auth.v1.AuthService`: logging in, staying logged in, and logging out. */
export function createAuthService(options: AuthServiceOptions): ServiceHandlers<typeof AuthService> {
  return new AuthServiceHandlers(options);
}

class AuthServiceHandlers implements ServiceHandlers<typeof AuthService> {
  readonly #options: AuthServiceOptions;
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #login: Login;
  readonly #secondFactor: SecondFactor;
  readonly #tokensOf: (user: UserRecord, session: SessionRecord, now: Date) => Promise<TokenPair>;

  constructor(options: AuthServiceOptions) {
    const { store, passwords, lifetimes, seal, name, now = () => new Date() } = options;
    this.#options = options;
    this.#store = store;
    this.#now = now;
    this.#secondFactor = new SecondFactor({ totp: store.totp, seal, issuer: name, now });
    const { loginLimits: limits } = options;
    this.#login = new Login({ store, passwords, secondFactor: this.#secondFactor, lifetimes, limits, now });
    this.#tokensOf = createSessionTokens(options);
  }

  async login({ email, username, password, otpCode }: LoginRequest, context: CallContext) {
    const attempt = { email, username, password, code: otpCode };
    const { user, session } = await this.#login.start(attempt, context);
    return { ...(await this.#tokensOf(user, session, this.#now())), user: userMessage(user) };
  }

  async refreshToken({ refreshToken }: RefreshTokenRequest) {
    if (refreshToken === "") throw invalidArgument({ field: "refresh_token", description: "is missing" });
    const parsed = this.#options.refreshTokens.parse(refreshToken);
    if (parsed === undefined) throw new Refusal("TOKEN_INVALID");
    const now = this.#now();
    const result = await this.#store.sessions.rotate(parsed.sessionId, {
      generation: parsed.generation,
      refreshUntil: new Date(now.getTime() + this.#options.lifetimes.refresh * 1000),
      now,
      graceMs: replayGraceMs,
    });
    if (result.kind === "reused") await this.#options.caughtUp();
    if (result.kind === "reused" || result.kind === "over") throw new Refusal("TOKEN_REVOKED");
    const user = await this.#store.users.load(result.session.userId);
    if (user === undefined) throw new Refusal("TOKEN_REVOKED");
    return { ...(await this.#tokensOf(user, result.session, now)), user: userMessage(user) };
  }

  async logout(_request: unknown, context: CallContext) {
    await endCurrentSession(this.#store, context);
    await this.#options.caughtUp();
    return {};
  }

  async logoutAll(_request: unknown, context: CallContext) {
    const { userId } = currentSession(context);
    const sessions = await this.#store.sessions.revokeAll(userId, {
      reason: "logged out everywhere",
      by: userId,
    });
    await this.#options.caughtUp();
    return { sessions };
  }

  async whoAmI(_request: unknown, context: CallContext) {
    return identityMessage(context.requireUser(), await this.#account(context));
  }

  renewStream(request: RenewStreamRequest, context: CallContext) {
    return this.#options.renewStream(request, context);
  }

  async listSessions(request: ListSessionsRequest, context: CallContext) {
    const caller = context.requireUser();
    const userId = request.userId === undefined ? caller.userId : String(request.userId);
    if (!mayReach(caller, userId, "auth.sessions:read")) {
      context.abortPermissionDenied("Permission 'auth.sessions:read' required");
    }
    const limit = pageSize(request.pageSize);
    const after = readTimePosition(request.pageToken);
    const liveAt = request.includeEnded ? undefined : this.#now();
    const rows = (await this.#mayKnow(caller, userId))
      ? await this.#store.sessions.list({ userId, limit: limit + 1, after, liveAt })
      : [];
    const page = pageOf(rows, limit, (session) => [session.createdAt.toISOString(), session.id]);
    return {
      sessions: page.rows.map((row) => sessionMessage(row, caller)),
      nextPageToken: page.nextPageToken,
    };
  }

  async revokeSession({ id, reason }: RevokeSessionRequest, context: CallContext) {
    requireReason(reason);
    const caller = context.requireUser();
    const session = await this.#store.sessions.load(id);
    const reachable =
      session !== undefined &&
      mayReach(caller, session.userId, "auth.sessions:write") &&
      (await this.#mayKnow(caller, session.userId));
    const { id: sessionId, userId } = found(reachable ? session : undefined, "session");
    const owner = userId === caller.userId ? undefined : await this.#store.users.load(userId);
    if (owner !== undefined) requireRank(caller, owner, this.#options.roles);
    const revoked = found(
      await this.#store.sessions.revoke(sessionId, { reason, by: caller.userId }),
      "session",
    );
    await this.#options.caughtUp();
    return { session: sessionMessage(revoked, caller) };
  }

  async changePassword(request: ChangePasswordRequest, context: CallContext) {
    const { sessionId } = currentSession(context);
    const user = await this.#ownAccount(context);
    const weak = passwordViolation(request.newPassword, user, "new_password");
    if (weak !== undefined) throw invalidArgument(weak);
    const { currentPassword, otpCode } = request;
    const confirmation = { password: currentPassword, code: otpCode, field: "current_password" };
    const proven = await this.#login.confirm(user, confirmation);
    const passwordHash = await this.#options.passwords.hash(request.newPassword);
    const changed = await this.#store.users.update(user.id, { passwordHash }, { passwordHash: proven });
    // Somebody else has changed it since the current one was looked at.
    if (changed === undefined) throw new Refusal("LOGIN_FAILED");
    await this.#store.sessions.revokeAll(user.id, {
      reason: "password changed",
      by: user.id,
      except: sessionId,
    });
    await this.#options.caughtUp();
    return {};
  }

  async enrollTotp({ password }: { readonly password: string }, context: CallContext) {
    currentSession(context);
    const user = await this.#ownAccount(context);
    // First: a right password alone must not clear the count of wrong codes.
    if (await this.#secondFactor.isOn(user.id)) {
      throw new CallError("FAILED_PRECONDITION", "The second factor is on already");
    }
    await this.#login.confirm(user, { password });
    return this.#secondFactor.enroll(user.id, user.username);
  }

  async confirmTotp({ otpCode }: { readonly otpCode: string }, context: CallContext) {
    currentSession(context);
    const user = await this.#ownAccount(context);
    const confirm = () => this.#secondFactor.confirm(user.id, otpCode);
    return { recoveryCodes: [...(await this.#login.limit(user.id, confirm))] };
  }

  async disableTotp({ password, otpCode }: DisableTotpRequest, context: CallContext) {
    currentSession(context);
    const user = await this.#ownAccount(context);
    await this.#login.confirm(user, { password, code: otpCode });
    if (await this.#store.totp.disable(user.id, user.id)) return {};
    throw new CallError("FAILED_PRECONDITION", "No second factor is on");
  }

  validateApiKey(request: ApiKeyRequest, context: CallContext) {
    return this.#options.validateApiKey(request, context);
  }

  /** Sessions are as visible as whose they are. */
  async #mayKnow(caller: Principal, userId: string): Promise<boolean> {
    if (caller.tenantId === undefined || caller.userId === userId) return true;
    return visibleTo(caller, await this.#store.users.load(userId)) !== undefined;
  }

  async #account(context: CallContext): Promise<UserRecord | undefined> {
    return await this.#store.users.load(context.requireUser().userId);
  }

  async #ownAccount(context: CallContext): Promise<UserRecord> {
    return found(await this.#account(context), "user");
  }
}
