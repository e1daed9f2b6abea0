import { ClientError } from "./client-error.ts";
import type { IssuedTokens, SessionCalls } from "./session.ts";
import type { TokenStore } from "./token-store.ts";

/** A server of sessions: tokens `ada-a1`, `ada-r1`, …, good for a hundred seconds; a refresh token for once, until the logout. */
export function sessionServer() {
  const state = {
    /** Answers to these are held back, after the server has done its work. */
    hold: {} as Partial<Record<"login" | "refresh" | "logout", Promise<void>>>,
    refusal: undefined as ClientError | undefined,
  };
  const asked: string[] = [];
  /** The number of each open session's last tokens. */
  const open = new Map<string, number>();
  const pair = (name: string): IssuedTokens => {
    const number = (open.get(name) ?? 0) + 1;
    open.set(name, number);
    return { accessToken: `${name}-a${number}`, refreshToken: `${name}-r${number}`, expiresIn: 101 };
  };
  const answer = async <T>(kind: "login" | "refresh" | "logout", what: string, work: () => T): Promise<T> => {
    asked.push(`${kind} ${what}`);
    const { hold, refusal } = state;
    if (refusal !== undefined) throw refusal;
    const done = work();
    await hold[kind];
    return done;
  };
  const calls: SessionCalls = {
    login: ({ username = "" }) => answer("login", username, () => pair(username)),
    refresh: (token) =>
      answer("refresh", token, () => {
        const [name = "", number] = token.split("-r");
        if (open.get(name) !== Number(number)) throw new ClientError(16, "Token revoked", "TOKEN_REVOKED");
        return pair(name);
      }),
    logout: ([, value]) =>
      answer("logout", value, () => {
        const [name = ""] = value.replace("Bearer ", "").split("-a");
        if (!open.delete(name)) throw new ClientError(16, "Token revoked", "TOKEN_REVOKED");
      }),
  };
  return { calls, asked, open, state };
}

/** The store with a lock that all have who get this. */
export function locking(store: TokenStore): TokenStore {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    load: () => store.load(),
    save: (tokens) => store.save(tokens),
    alone<R>(work: () => Promise<R>) {
      const mine = turn.then(work);
      turn = mine.catch(() => {});
      return mine;
    },
  };
}
