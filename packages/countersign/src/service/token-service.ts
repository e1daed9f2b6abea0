import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type { Reason } from "../core/denial.ts";
import { createRevocations, type RevocationView } from "../core/revocation.ts";
import type {
  InspectTokenRequest,
  InspectTokenResponseSchema,
  MintTokenRequest,
  TokenService,
} from "../gen/auth/v1/tokens_pb.ts";
import type { JsonObject } from "../jwt/json.ts";
import type { SigningKey } from "../jwt/key.ts";
import { claimsForUser, signTokenAsync } from "../jwt/signer.ts";
import type { TokenVerifier, VerifiedToken } from "../jwt/verifier.ts";
import type { Store } from "../store/contracts.ts";
import { found } from "./page.ts";
import { type Roles, requireRank } from "./rank.ts";
import { tokenUser } from "./session-tokens.ts";
import { visibleTo } from "./tenancy.ts";

export interface TokenServiceOptions {
  readonly store: Pick<Store, "users" | "revocations" | "audit">;
  readonly roles: Roles;
  /** The key for a token of so many seconds. */
  readonly signingKey: (lifetimeSeconds: number) => SigningKey | Promise<SigningKey>;
  /** What accepts tokens. */
  readonly verifier: TokenVerifier;
  /** Of a token that is asked for without one, in seconds. */
  readonly lifetimeSeconds: number;
  /** What follows the store's log. Default: the log is read for each inspection. */
  readonly revocations?: RevocationView | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** `auth.v1.TokenService`: access tokens outside sessions, and what is to be thought of one. */
export function createTokenService(options: TokenServiceOptions): ServiceHandlers<typeof TokenService> {
  return new TokenServiceHandlers(options);
}

/** For so long the revocation of what was issued to a user is kept: ten years. */
const longestLifetime = 10 * 365 * 86_400;
const longestToken = 65_536;

type Inspection = Omit<MessageInitShape<typeof InspectTokenResponseSchema>, "$typeName" | "$unknown">;

class TokenServiceHandlers implements ServiceHandlers<typeof TokenService> {
  readonly #options: TokenServiceOptions;
  readonly #now: () => Date;

  constructor(options: TokenServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  async mintToken({ userId, expiresIn, claims = {} }: MintTokenRequest, context: CallContext) {
    const { store, signingKey, lifetimeSeconds, issuer, audience } = this.#options;
    const caller = context.requireUser();
    const lifetime = expiresIn === 0n ? lifetimeSeconds : Number(expiresIn);
    if (lifetime < 1 || lifetime > longestLifetime) {
      throw invalidArgument({ field: "expires_in", description: `1 to ${longestLifetime} seconds` });
    }
    const user = found(visibleTo(caller, await store.users.load(String(userId))), "user");
    requireRank(caller, user, this.#options.roles);
    if (!user.isActive)
      throw new CallError("FAILED_PRECONDITION", "The user is disabled: a token would be refused");
    const signed = claimed(() =>
      claimsForUser(tokenUser(user), {
        now: this.#now().getTime(),
        expiresIn: lifetime,
        extraClaims: claims,
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      }),
    );
    const accessToken = await signTokenAsync(signed, await signingKey(lifetime));
    await store.audit.append({
      actor: caller.userId,
      action: "token.minted",
      target: `user:${user.id}`,
      details: { jti: String(signed["jti"]), expiresIn: String(lifetime) },
    });
    return { accessToken, tokenType: "bearer", expiresIn: BigInt(lifetime) };
  }

  /** Puts a token to the checks of a call, in the same order. */
  async inspectToken({ token }: InspectTokenRequest): Promise<Inspection> {
    if (token === "" || token.length > longestToken) {
      throw invalidArgument({ field: "token", description: `1 to ${longestToken} characters` });
    }
    const result = await this.#options.verifier.verify(token, this.#now().getTime());
    if (result.ok) return this.#inspectUser(result);
    // "Expired" is only ever said of what is right in every other respect.
    return refused(result.reason === "TOKEN_EXPIRED", result.reason, result.cause);
  }

  async #inspectUser(token: VerifiedToken): Promise<Inspection> {
    const account = await this.#options.store.users.load(token.userId);
    if (account === undefined) return refused(true, "TOKEN_INVALID", "no such user");
    const { username, isActive } = account;
    const user = { id: BigInt(account.id), username, isActive };
    if (!isActive) return { ...refused(true, "USER_DISABLED", "the user is disabled"), user };
    if (await this.#isRevoked(token)) return { ...refused(true, "TOKEN_REVOKED", "it was revoked"), user };
    return { good: true, verified: true, user };
  }

  /** Where nobody follows the log, in the log itself. */
  async #isRevoked({ claims, kid, userId }: VerifiedToken): Promise<boolean> {
    const { revocations = await this.#readLog() } = this.#options;
    const { iss: issuer = "", jti, sid: sessionId, iat: issuedAt = 0 } = claims;
    const subject = { userId, issuer, jti, sessionId, kid, issuedAt };
    return revocations.check(subject, revocations.version) === "token-revoked";
  }

  async #readLog(): Promise<RevocationView> {
    const view = createRevocations();
    const { events } = await this.#options.store.revocations.live(this.#now());
    for (const event of events) view.apply(event);
    return view;
  }
}

function refused(verified: boolean, reason: Reason, cause: string): Inspection {
  return { good: false, verified, reason, cause };
}

function claimed(make: () => JsonObject): JsonObject {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidArgument({ field: "claims", description: error.message.replace("extraClaims ", "") });
  }
}
