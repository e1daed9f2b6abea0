import type { CallContext } from "../context/call-context.ts";
import type { Authenticator } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Allowed } from "../core/decision.ts";
import { grants, type Principal, permissionsOf } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { RevocationView } from "../core/revocation.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { TokenClaims } from "../jwt/claim-schema.ts";
import type { ParsedRefreshToken, RefreshTokens } from "../session/refresh-token.ts";
import type { Store } from "../store/contracts.ts";
import type { SessionRecord } from "../store/session-contracts.ts";
import { type AskingLimits, isGuess } from "./asking-limits.ts";
import { requireRank } from "./rank.ts";
import { isVisibleTo, visibleTo } from "./tenancy.ts";
import { scopesOfServices } from "./validate-api-key.ts";

export interface TokenEndpointsOptions {
  readonly store: Pick<Store, "users" | "sessions" | "revocations">;
  /** What roles stand for. */
  readonly roles: RoleDirectory;
  /** Reads bare access tokens of our own. */
  readonly accessTokens: Authenticator<Principal>;
  readonly apiKeys: Authenticator<Principal>;
  readonly refreshTokens: RefreshTokens;
  readonly revocations: RevocationView;
  readonly issuer?: string | undefined;
  readonly limits: AskingLimits;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

/** RFC 7662 section 2.2. */
export interface Introspection {
  readonly active: boolean;
  readonly scope?: string;
  readonly client_id?: string;
  readonly username?: string;
  /** `Bearer`, `refresh_token` or `api_key`. */
  readonly token_type?: string;
  readonly exp?: number;
  readonly iat?: number;
  readonly nbf?: number;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly iss?: string;
  readonly jti?: string;
  /** The tenant that it belongs to. */
  readonly tenant?: string;
}

export interface TokenEndpoints {
  /** Is this credential good now? Nothing but `active: false` is said of one that is not. */
  introspect(token: string, context: CallContext): Promise<Introspection>;
  /** Makes a token one that is refused. One that is not good is no failure (RFC 7009 section 2.2). */
  revoke(token: string, context: CallContext): Promise<void>;
}

const inactive: Introspection = Object.freeze({ active: false });

/** Token revocation (RFC 7009) and introspection (RFC 7662), without the transport. */
export function createTokenEndpoints(options: TokenEndpointsOptions): TokenEndpoints {
  return new Endpoints(options);
}

/** What a credential stands for, if it is good, and whether it was ever one. Throws `UNAVAILABLE` where nobody can tell. */
interface Read {
  readonly admitted?: Allowed<Principal>;
  readonly guess: boolean;
}

type Reader = (credential: string, call: Call, caller: Principal) => Promise<Read>;

/** A credential of somebody whom the caller may not know of is one that was made up. */
function opened(authenticate: ReturnType<Authenticator<Principal>["start"]>): Reader {
  return async (credential, call, caller) => {
    const decision = await authenticate(credential, call);
    const guess = isGuess(decision);
    if (decision?.ok === true && !isVisibleTo(caller, decision.principal ?? {})) return { guess: true };
    return decision?.ok === true ? { admitted: decision, guess } : { guess };
  };
}

/** What tells the kinds of credentials apart that are not in the store. */
interface Readers {
  readonly access: Reader;
  readonly key: Reader;
}

class Endpoints implements TokenEndpoints {
  readonly #options: TokenEndpointsOptions;
  readonly #read: Readers;
  readonly #now: () => number;

  constructor(options: TokenEndpointsOptions) {
    const { now = Date.now, revocations, roles, accessTokens, apiKeys } = options;
    const runtime = { revocations, roles, now, sole: true };
    this.#options = options;
    this.#read = { access: opened(accessTokens.start(runtime)), key: opened(apiKeys.start(runtime)) };
    this.#now = now;
  }

  async introspect(token: string, context: CallContext): Promise<Introspection> {
    const caller = context.requireUser();
    await this.#options.limits.ask(caller);
    const parsed = this.#options.refreshTokens.parse(token);
    if (parsed !== undefined) return this.#ofRefreshToken(parsed, caller);
    const access = await this.#read.access(token, context.call, caller);
    if (access.admitted !== undefined) return ofAccessToken(access.admitted);
    const key = await this.#read.key(token, context.call, caller);
    if (key.admitted !== undefined) return ofApiKey(key.admitted);
    if (access.guess && key.guess) await this.#options.limits.wasWrong(caller);
    return inactive;
  }

  async revoke(token: string, context: CallContext): Promise<void> {
    const caller = context.requireUser();
    const parsed = this.#options.refreshTokens.parse(token);
    const session = parsed && (await this.#session(parsed, caller));
    if (session !== undefined) {
      await this.#requireOwn(caller, session.userId);
      // RFC 7009 section 2.1: with a refresh token, the access tokens of the same grant end.
      await this.#options.store.sessions.revoke(session.id, { reason: "token revoked", by: caller.userId });
      return this.#options.caughtUp();
    }
    const { principal } = (await this.#read.access(token, context.call, caller)).admitted ?? {};
    if (principal !== undefined) return this.#revokeAccess(principal, caller);
    if ((await this.#read.key(token, context.call, caller)).admitted !== undefined) {
      throw new CallError("UNIMPLEMENTED", "API keys are revoked by ApiKeyService");
    }
  }

  /** That token alone: its session goes on. */
  async #revokeAccess({ userId, claims }: Principal, caller: Principal): Promise<void> {
    await this.#requireOwn(caller, userId);
    const { iss: issuer = "", jti, exp } = claims as TokenClaims;
    if (jti === undefined || exp === undefined)
      throw new CallError("UNIMPLEMENTED", "A token without jti and exp cannot be revoked by itself");
    const details = { userId };
    const audit = { actor: caller.userId, action: "token.revoked", target: `token:${jti}`, details };
    await this.#options.store.revocations.append([{ kind: "token", issuer, jti, expiresAt: exp }], audit);
    await this.#options.caughtUp();
  }

  /** One's own, except for a key that was not granted it; others' with the permission, and no more rights than the caller's. */
  async #requireOwn(caller: Principal, userId: string): Promise<void> {
    if (caller.userId === userId && caller.apiKey === undefined) return;
    if (!grants(caller, "auth.tokens:revoke"))
      throw new Refusal("PERMISSION_DENIED", { message: "Permission 'auth.tokens:revoke' required" });
    const owner = await this.#options.store.users.load(userId);
    if (owner !== undefined && userId !== caller.userId) requireRank(caller, owner, this.#options.roles);
  }

  /** Sessions are as visible as whose they are. */
  async #session({ sessionId }: ParsedRefreshToken, caller: Principal): Promise<SessionRecord | undefined> {
    const { sessions, users } = this.#options.store;
    const session = await sessions.load(sessionId);
    if (session === undefined || caller.tenantId === undefined) return session;
    return visibleTo(caller, await users.load(session.userId)) === undefined ? undefined : session;
  }

  async #ofRefreshToken(parsed: ParsedRefreshToken, caller: Principal): Promise<Introspection> {
    const { store, issuer } = this.#options;
    const { generation } = parsed;
    const session = await this.#session(parsed, caller);
    if (session === undefined || session.revokedAt !== undefined) return inactive;
    if (session.generation !== generation || session.refreshUntil.getTime() <= this.#now()) return inactive;
    const user = await store.users.load(session.userId);
    if (user?.isActive !== true) return inactive;
    const { username, id: sub, tenantId: tenant } = user;
    const times = { iat: seconds(session.rotatedAt), exp: seconds(session.refreshUntil) };
    return {
      active: true,
      token_type: "refresh_token",
      username,
      sub,
      ...present({ ...times, iss: issuer, tenant }),
    };
  }
}

function ofAccessToken({ principal }: Allowed<Principal>): Introspection {
  if (principal === undefined) return inactive;
  const { exp, iat, nbf, aud, iss, jti } = principal.claims as TokenClaims;
  return { ...whose(principal), token_type: "Bearer", ...present({ exp, iat, nbf, aud, iss, jti }) };
}

/** A key that is meant for some services is not good wherever it turns up: ValidateApiKey is told which one asks. */
function ofApiKey({ principal, expiresAt }: Allowed<Principal>): Introspection {
  if (principal === undefined || scopesOfServices(principal).length > 0) return inactive;
  const exp = Number.isFinite(expiresAt) ? Math.floor(expiresAt / 1000) : undefined;
  return { ...whose(principal), token_type: "api_key", ...present({ exp }) };
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

function whose(principal: Principal): Introspection {
  const { userId: sub, username, clientId: client_id, tenantId: tenant } = principal;
  const scope = [...permissionsOf(principal)].join(" ");
  return { active: true, sub, ...present({ username, client_id, tenant }), ...(scope !== "" && { scope }) };
}

/** Without what is undefined. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
