import { ClientError, clientStatus } from "./client-error.ts";
import { type KeptToken, TokenKeeper } from "./token-keeper.ts";

/** What a client shows of itself with each of its calls. */
export interface Credential {
  /** Where it is sent, in lower case. */
  readonly header: string;
  /** The header's value for a call that begins now: at once where it is there. Rejects with a `ClientError`. */
  value(): string | Promise<string>;
  /**
   * The value to try once more with, after `refused` was refused as expired or revoked. Undefined where there is no other.
   * Rejects with a `ClientError`.
   */
  another(refused: string): Promise<string | undefined>;
  /** Milliseconds until a stream that shows the present value has to show a newer one. Default: never. */
  dueInMs?(): number;
}

export interface ApiKeyOptions {
  /** In lower case. Default: `x-api-key`. */
  readonly header?: string | undefined;
}

/** An API key. Throws a `TypeError` for what cannot be one. */
export function apiKey(key: string, { header = "x-api-key" }: ApiKeyOptions = {}): Credential {
  return constant(headerName(header), credentialText(key, "an API key"));
}

/** A token from somewhere else: of an identity provider, a metadata server, a file that something renews. */
export interface SourcedToken {
  readonly token: string;
  /** In milliseconds since the epoch. Default: it is used until it is refused. */
  readonly expiresAt?: number | undefined;
}

/** Gets a token. Asked once for all calls that wait, ahead of the end of the one before. */
export type TokenSource = () => SourcedToken | string | Promise<SourcedToken | string>;

export interface BearerOptions {
  /** In lower case. Default: `authorization`. */
  readonly header?: string | undefined;
  /** Default: `Bearer`. The empty string: the header holds the bare token. */
  readonly scheme?: string | undefined;
}

/** A token, or where tokens come from. Throws a `TypeError` for a token that cannot be one. */
export function bearer(token: string | TokenSource, options: BearerOptions = {}): Credential {
  const { header = "authorization", scheme = "Bearer" } = options;
  const written = (text: string): string => bearerText(credentialText(text, "a token"), scheme);
  if (typeof token === "string") return constant(headerName(header), written(token));
  if (typeof token !== "function") throw missing("a token");
  const keeper = new TokenKeeper({
    async fetch(): Promise<KeptToken> {
      const got = await token();
      const { token: text, expiresAt = Number.POSITIVE_INFINITY } =
        typeof got === "string" ? { token: got } : got;
      return { value: written(text), expiresAt };
    },
  });
  return kept(headerName(header), keeper);
}

/** As it stands in a header. */
export function bearerText(token: string, scheme = "Bearer"): string {
  return scheme === "" ? token : `${scheme} ${token}`;
}

/** A credential whose values a keeper has. */
export function kept(header: string, keeper: TokenKeeper): Credential {
  return Object.freeze({
    header,
    value: () => keeper.value(),
    another: (refused: string) => keeper.another(refused),
    dueInMs: () => keeper.dueInMs(),
  });
}

/** An API key from variables that are handed in: `apiKeyFrom(process.env, "ORDERS_API_KEY")`. A `TypeError` names one that is missing. */
export function apiKeyFrom(
  variables: Readonly<Record<string, string | undefined>>,
  name: string,
  options?: ApiKeyOptions,
): Credential {
  const key = variables[name]?.trim() ?? "";
  if (key === "") throw new TypeError(`${name} is not set: it has the API key of this service`);
  if (!printable.test(key)) throw new TypeError(`${name} has no API key in it`);
  return apiKey(key, options);
}

/** The credential itself. Throws a `TypeError` for what is none, such as a variable that was not set. */
export function requireCredential(given: Credential, what: string): Credential {
  const { header, value, another } = (given ?? {}) as Partial<Credential>;
  if (typeof header !== "string" || typeof value !== "function" || typeof another !== "function")
    throw missing(what);
  return given;
}

function missing(what: string): TypeError {
  return new TypeError(`${what} is missing: give what apiKey(), bearer() or openSession() returns`);
}

function constant(header: string, value: string): Credential {
  return Object.freeze({ header, value: () => value, another: async () => undefined });
}

/** Nothing that a header cannot carry, and no comma: no credential has one. */
const printable = /^[\x21-\x2b\x2d-\x7e]+$/;

function credentialText(text: string, what: string): string {
  if (typeof text !== "string" || !printable.test(text)) throw new TypeError(`this is not ${what}`);
  return text;
}

function headerName(name: string): string {
  if (!/^[a-z0-9_.-]+$/.test(name) || name.endsWith("-bin"))
    throw new TypeError("header is the name of a header, in lower case");
  return name;
}

/** For a caller that has not logged in, or whose session is over. */
export function notLoggedIn(reason?: string): ClientError {
  const text = reason === undefined ? "Not logged in" : "The session is over: log in again";
  return new ClientError(clientStatus.UNAUTHENTICATED, text, reason);
}
