import {
  Code,
  ConnectError,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { asClientError } from "../../client/client-error.ts";
import type { Credential } from "../../client/credential.ts";
import { isLoopback } from "../../client/loopback.ts";
import { isRenewable } from "../../client/refusal.ts";
import { newStreamId, type RenewStream, StreamRenewer, streamHeader } from "../../client/stream-renewer.ts";
import { refusalOf } from "./refusal-of.ts";
import { ReplayableMessages } from "./replayable-messages.ts";

type Next = (request: UnaryRequest | StreamRequest) => Promise<UnaryResponse | StreamResponse>;

export interface CredentialInterceptorOptions {
  /**
   * Lets streams live longer than a token: each is given a name, and is renewed ahead of its token's end.
   * `createAuthenticatedTransport()` brings it along. Default: streams end when their token does.
   */
  readonly renewStream?: RenewStream | undefined;
}

/**
 * Shows a credential with each call: `createConnectTransport({ baseUrl, interceptors: [...] })`, in Node and in a browser. A call
 * that brings the header along keeps its own; one to another machine over `http:` fails. One that is refused because its
 * token has expired or was revoked is made once more with another token, if nothing had come back; a stream, if no more
 * than 16 requests had been sent.
 */
export function credentialInterceptor(
  credential: Credential,
  { renewStream }: CredentialInterceptorOptions = {},
): Interceptor {
  return (next) => async (request) => {
    if (request.header.has(credential.header)) return next(request);
    requireProtected(request.url);
    const value = await inTime(request.signal, async () => credential.value());
    return request.stream
      ? streamed(request, value, { credential, next, renewStream })
      : unary(request, value, { credential, next });
  };
}

interface Around {
  readonly credential: Credential;
  readonly next: Next;
  readonly renewStream?: RenewStream | undefined;
}

async function unary(
  request: UnaryRequest,
  value: string,
  around: Around,
): Promise<UnaryResponse | StreamResponse> {
  const { credential, next } = around;
  try {
    return await next(showing(request, credential, value));
  } catch (error) {
    return next(showing(request, credential, await anotherFor(error, value, request, credential)));
  }
}

async function streamed(request: StreamRequest, value: string, around: Around): Promise<StreamResponse> {
  const messages = new ReplayableMessages(request.message);
  const begin = (shown: string): Promise<StreamResponse> =>
    begun(request, shown, messages.fromStart(), around);
  const again = async (error: unknown): Promise<StreamResponse> => {
    if (!messages.isWhole) throw error;
    const response = await begin(await anotherFor(error, value, request, around.credential));
    messages.release();
    return response;
  };
  let response: StreamResponse;
  try {
    response = await begin(value);
  } catch (error) {
    return again(error);
  }
  return { ...response, message: untilAnswered(response, { messages, again }) };
}

/** One try. It is renewed for as long as it is open. */
async function begun(
  request: StreamRequest,
  value: string,
  message: StreamRequest["message"],
  { credential, next, renewStream: renew }: Around,
): Promise<StreamResponse> {
  const call = { ...showing(request, credential, value), message };
  if (renew === undefined || credential.dueInMs === undefined) return (await next(call)) as StreamResponse;
  const streamId = newStreamId();
  call.header.set(streamHeader, streamId);
  const renewer = new StreamRenewer(streamId, value, { credential, renew });
  request.signal.addEventListener("abort", () => renewer.stop(), { once: true });
  try {
    const response = (await next(call)) as StreamResponse;
    return { ...response, message: toTheEnd(response.message, () => renewer.stop()) };
  } catch (error) {
    renewer.stop();
    throw error;
  }
}

interface Retry {
  readonly messages: ReplayableMessages<unknown>;
  readonly again: (error: unknown) => Promise<StreamResponse>;
}

/** The answers of a stream; where it fails before the first one, those of the next try. */
function untilAnswered(first: StreamResponse, { messages, again }: Retry): StreamResponse["message"] {
  return {
    [Symbol.asyncIterator]() {
      let iterator = first.message[Symbol.asyncIterator]();
      let second: StreamResponse | undefined;
      const next: typeof iterator.next = async () => {
        try {
          const result = await iterator.next();
          messages.release();
          // What the caller holds is the answer of the first try: what came with the other one goes there.
          if (result.done === true && second !== undefined) copy(second.trailer, first.trailer);
          return result;
        } catch (error) {
          if (second !== undefined) throw error;
          second = await again(error);
          copy(second.header, first.header);
          iterator = second.message[Symbol.asyncIterator]();
          return next();
        }
      };
      return {
        next,
        return: async (value?: unknown) => (await iterator.return?.(value)) ?? { done: true, value },
      };
    },
  } as StreamResponse["message"];
}

/** The same messages; says when there will be no more, for whatever reason. */
function toTheEnd(messages: StreamResponse["message"], ended: () => void): StreamResponse["message"] {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done === true) ended();
            return result;
          } catch (error) {
            ended();
            throw error;
          }
        },
        async return(value?: unknown) {
          ended();
          return (await iterator.return?.(value)) ?? { done: true, value };
        },
      };
    },
  } as StreamResponse["message"];
}

function copy(from: Headers, to: Headers): void {
  for (const [name, value] of from) to.set(name, value);
}

/** The request with the credential, which the caller's own does not get. */
function showing<R extends UnaryRequest | StreamRequest>(
  request: R,
  { header: name }: Credential,
  value: string,
): R {
  const header = new Headers(request.header);
  header.set(name, value);
  return { ...request, header };
}

/** What to try once more with. Throws the error where that would not help. */
async function anotherFor(
  error: unknown,
  refused: string,
  { signal }: UnaryRequest | StreamRequest,
  credential: Credential,
): Promise<string> {
  const failure = ConnectError.from(error);
  if (!isRenewable(failure.code, refusalOf(failure))) throw error;
  try {
    const another = await inTime(signal, () => credential.another(refused));
    if (another !== undefined) return another;
  } catch (reason) {
    // That nobody is logged in says less than why this token was refused.
    if (ConnectError.from(reason).code !== Code.Unauthenticated) throw reason;
  }
  throw error;
}

/** Waits for a credential, no longer than the call has time. */
async function inTime<T>(signal: AbortSignal, get: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const leaving = Promise.withResolvers<never>();
  const leave = (): void => leaving.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const got = get().catch((thrown: unknown) => {
    const { code, message } = asClientError(thrown);
    throw new ConnectError(message, code, undefined, undefined, thrown);
  });
  try {
    return await Promise.race([got, leaving.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
    got.catch(() => {});
  }
}

/** A page's own address is where a relative one leads. */
function requireProtected(url: string): void {
  const { protocol, hostname } = new URL(url, pageAddress());
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol === "https:" || isLoopback(host)) return;
  throw new ConnectError("Credentials are not sent in clear: use https", Code.FailedPrecondition);
}

function pageAddress(): string | undefined {
  return (globalThis as { readonly location?: { readonly href?: string } }).location?.href;
}
