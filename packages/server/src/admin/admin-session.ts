import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { Seal } from "countersign/service";

/** Who is logged in to the admin UI: sealed, in a cookie that no script can read. Nothing of it is kept here. */
export interface AdminSession {
  /** Of this login; stays when tokens are renewed. */
  readonly id: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token is to be renewed. All times are in milliseconds. */
  readonly renewAt: number;
  /** When the password was given. */
  readonly startedAt: number;
  /** When a person last did something. */
  readonly seenAt: number;
}

export interface AdminSessionsOptions {
  readonly seal: Seal;
  /** 32 bytes. */
  readonly tokenKey: Uint8Array;
  /** Seconds without a person's doing. */
  readonly idleTimeout: number;
  /** Seconds, whatever is done. */
  readonly lifetime: number;
  /** Is the cookie sent over TLS alone? */
  readonly secure: boolean;
  readonly now?: () => number;
}

/** How long a cookie is believed that says when its bearer was last seen; it is written anew after this. */
const seenEveryMs = 60_000;

const purpose = "admin session";

/** The cookie of the admin UI, and the token against forged requests that belongs to it. */
export class AdminSessions {
  readonly #options: AdminSessionsOptions;
  readonly #now: () => number;
  readonly #name: string;

  constructor(options: AdminSessionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    // Browsers take a cookie of this name over TLS alone (RFC 6265bis section 4.1.3).
    this.#name = options.secure ? "__Secure-countersign_admin" : "countersign_admin";
  }

  /** What a login or a renewal gave. */
  begin(
    pair: { accessToken: string; refreshToken: string; expiresIn: number },
    before?: AdminSession,
  ): AdminSession {
    const now = this.#now();
    return {
      id: before?.id ?? randomUUID(),
      accessToken: pair.accessToken,
      refreshToken: pair.refreshToken,
      // Before it ends, so that no call comes too late; short ones at half their time.
      renewAt: now + Math.max(pair.expiresIn * 500, pair.expiresIn * 1000 - 60_000),
      startedAt: before?.startedAt ?? now,
      seenAt: before?.seenAt ?? now,
    };
  }

  /** The session of a request's cookies. Undefined if there is none, or if it is over. */
  read(cookies: readonly string[]): AdminSession | undefined {
    const value = cookieOf(cookies, this.#name);
    const session = value === undefined ? undefined : this.#open(value);
    if (session === undefined) return undefined;
    const now = this.#now();
    const { idleTimeout, lifetime } = this.#options;
    if (now - session.seenAt > idleTimeout * 1000 || now - session.startedAt > lifetime * 1000)
      return undefined;
    return session;
  }

  /** The same, seen now; the very same where that makes no difference. */
  seen(session: AdminSession): AdminSession {
    const now = this.#now();
    return now - session.seenAt < seenEveryMs ? session : { ...session, seenAt: now };
  }

  /** Is it time for another access token? */
  isDue(session: AdminSession): boolean {
    return this.#now() >= session.renewAt;
  }

  /** The header that keeps a session in the browser. */
  cookie(session: AdminSession): string {
    const value = Buffer.from(
      this.#options.seal.seal(Buffer.from(JSON.stringify(session)), purpose),
    ).toString("base64url");
    return `${this.#name}=${value}; ${this.#attributes()}; Max-Age=${this.#options.lifetime}`;
  }

  /** The header that removes it. */
  noCookie(): string {
    return `${this.#name}=; ${this.#attributes()}; Max-Age=0`;
  }

  /** What every request that may change something has to send besides: a page of another origin cannot read it. */
  token({ id }: AdminSession): string {
    return createHmac("sha256", this.#options.tokenKey).update(id).digest("base64url");
  }

  isToken(session: AdminSession, given: string | undefined): boolean {
    const expected = Buffer.from(this.token(session));
    const found = Buffer.from(given ?? "");
    return expected.length === found.length && timingSafeEqual(expected, found);
  }

  #attributes(): string {
    const secure = this.#options.secure ? "; Secure" : "";
    return `Path=/admin; HttpOnly; SameSite=Strict${secure}`;
  }

  #open(value: string): AdminSession | undefined {
    try {
      return JSON.parse(
        Buffer.from(this.#options.seal.open(Buffer.from(value, "base64url"), purpose)).toString(),
      );
    } catch {
      // Of another key, of another version, or made up.
      return undefined;
    }
  }
}

/** Undefined where there are two of the name: one of them was put there by somebody else. */
function cookieOf(headers: readonly string[], name: string): string | undefined {
  const values = headers
    .flatMap((header) => header.split(";"))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}
