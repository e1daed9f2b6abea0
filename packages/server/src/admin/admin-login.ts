import type { IncomingMessage, ServerResponse } from "node:http";
import { create, type DescService, type JsonObject } from "@bufbuild/protobuf";
import { type Auth, CallContext, type Principal, Refusal, type UserSource } from "countersign";
import type { ServiceHandlers } from "countersign/grpc";
import { JsonAliases } from "countersign/http/json";
import { AuthService, type RefreshTokens } from "countersign/service";
import type { SessionStore, UserRecord } from "countersign/store";
import { AdminCall } from "./admin-call.ts";
import type { AdminSession, AdminSessions } from "./admin-session.ts";

export interface AdminLoginParts {
  readonly auth: Auth<Principal>;
  readonly users: UserSource<UserRecord>;
  readonly sessions: SessionStore;
  readonly refreshTokens: RefreshTokens;
  readonly caughtUp: () => Promise<void>;
  readonly adminSessions: AdminSessions;
  /** AuthService, as it is served at every other door. */
  readonly handlers: ServiceHandlers<DescService>;
  readonly onError: (error: unknown, procedure: string) => void;
}

export const sessionPath = "/admin/session";

type Handlers = ServiceHandlers<typeof AuthService>;

/** Logging in to the admin UI, and staying so: AuthService's own functions, with the tokens in a cookie. */
export class AdminLogin {
  readonly #parts: AdminLoginParts;
  readonly #handlers: Handlers;
  readonly #json: JsonAliases;
  /** A page asks for several things at once: one renewal is enough for all of them. */
  readonly #renewals = new Map<string, Promise<AdminSession>>();

  constructor(parts: AdminLoginParts) {
    const { auth, users, onError, adminSessions } = parts;
    this.#parts = parts;
    this.#handlers = parts.handlers as unknown as Handlers;
    this.#json = new JsonAliases(auth, { users, onError });
    this.#json.add(sessionPath, {
      method: AuthService.method.login,
      handlers: { login: this.#loginOfStaff.bind(this) } as unknown as ServiceHandlers<DescService>,
      toRequest: ({ username = "", password = "", otp_code = "" }) =>
        ({
          [String(username).includes("@") ? "email" : "username"]: username,
          password,
          otp_code,
        }) as JsonObject,
      toResponse(answer, headers) {
        const session = adminSessions.begin({
          accessToken: String(answer["access_token"]),
          refreshToken: String(answer["refresh_token"]),
          expiresIn: Number(answer["expires_in"]),
        });
        headers["set-cookie"] = adminSessions.cookie(session);
        return { csrf_token: adminSessions.token(session) };
      },
    });
  }

  /** Answers `POST /admin/session`. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#json.handle(request, response);
  }

  /** The session with another pair of tokens. Throws what RefreshToken throws. */
  renew(session: AdminSession, request: IncomingMessage): Promise<AdminSession> {
    let renewal = this.#renewals.get(session.refreshToken);
    if (renewal === undefined) {
      renewal = this.#renew(session, request).finally(() => this.#renewals.delete(session.refreshToken));
      this.#renewals.set(session.refreshToken, renewal);
    }
    return renewal;
  }

  /** Logs out: nothing that belongs to the session is accepted any more. Throws what Logout throws. */
  async end(request: IncomingMessage, credential: readonly [header: string, value: string]): Promise<void> {
    const { logout: method } = AuthService.method;
    const context = await this.#admit(
      new AdminCall(request, `/${AuthService.typeName}/${method.name}`, credential),
    );
    await this.#handlers.logout(create(method.input), context);
  }

  async #admit(call: AdminCall): Promise<CallContext> {
    const { auth, users } = this.#parts;
    const decision = await auth.decide(call);
    if (!decision.ok) throw new Refusal(decision.denial.reason);
    return new CallContext(call, decision, users);
  }

  async #renew(session: AdminSession, request: IncomingMessage): Promise<AdminSession> {
    const { refreshToken: method } = AuthService.method;
    const context = await this.#admit(new AdminCall(request, `/${AuthService.typeName}/${method.name}`));
    const message = create(method.input, { refreshToken: session.refreshToken });
    const pair = await this.#handlers.refreshToken(message, context);
    const { accessToken = "", refreshToken = "", expiresIn = 0n } = pair;
    return this.#parts.adminSessions.begin(
      { accessToken, refreshToken, expiresIn: Number(expiresIn) },
      session,
    );
  }

  /** A session that may not come in here is none. */
  async #loginOfStaff(...[request, context]: Parameters<Handlers["login"]>): Promise<unknown> {
    const answer = await this.#handlers.login(request, context);
    const { user, refreshToken = "" } = answer;
    if (user?.isStaff || user?.isSuperuser) return answer;
    const { sessions, refreshTokens, caughtUp } = this.#parts;
    const id = refreshTokens.parse(refreshToken)?.sessionId;
    if (id !== undefined) await sessions.revoke(id, { reason: "the admin UI is for staff", by: "system" });
    await caughtUp();
    throw new Refusal("PERMISSION_DENIED", { message: "Staff access required" });
  }
}
