import {
  Code,
  ConnectError,
  type Interceptor,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { type Credential, requireCredential } from "../../client/credential.ts";
import { isLoopback } from "../../client/loopback.ts";
import type { RenewStream } from "../../client/stream-renewer.ts";
import { streamed } from "./credential-stream.ts";
import { type Around, anotherFor, inTime, showing } from "./one-try.ts";

export interface CredentialInterceptorOptions {
  /**
   * Lets streams live longer than a token: each is given a name, and is renewed ahead of its token's end.
   * `createAuthenticatedTransport()` brings it along. Default: streams end when their token does.
   */
  readonly renewStream?: RenewStream | undefined;
}

/**
 * Shows a credential with each call: `createConnectTransport({ baseUrl, interceptors: [...] })`, in Node and in a browser. A call
 * that brings the header along keeps its own; one to another machine over `http:` fails. A `TypeError` for what is no credential.
 * One that is refused because its
 * token has expired or was revoked is made once more with another token, if nothing had come back; a stream, if no more
 * than 16 requests had been sent.
 */
export function credentialInterceptor(
  credential: Credential,
  { renewStream }: CredentialInterceptorOptions = {},
): Interceptor {
  requireCredential(credential, "a credential");
  return (next) => async (request) => {
    requireProtected(request.url);
    if (request.header.has(credential.header)) return next(request);
    const value = await inTime(request.signal, async () => credential.value());
    return request.stream
      ? streamed(request, value, { credential, next, renewStream })
      : unary(request, value, { credential, next });
  };
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

/** Lets nothing through that would cross a network in clear. */
export const protectedOnly: Interceptor = (next) => (request) => {
  requireProtected(request.url);
  return next(request);
};

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
