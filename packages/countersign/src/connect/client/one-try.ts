import {
  Code,
  ConnectError,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { asClientError } from "../../client/client-error.ts";
import type { Credential } from "../../client/credential.ts";
import { isRenewable } from "../../client/refusal.ts";
import type { RenewStream } from "../../client/stream-renewer.ts";
import { refusalOf } from "./refusal-of.ts";

type Next = (request: UnaryRequest | StreamRequest) => Promise<UnaryResponse | StreamResponse>;

/** What stands around a call. */
export interface Around {
  readonly credential: Credential;
  readonly next: Next;
  readonly renewStream?: RenewStream | undefined;
}

/** The request with the credential, which the caller's own does not get. */
export function showing<R extends UnaryRequest | StreamRequest>(
  request: R,
  { header: name }: Credential,
  value: string,
): R {
  const header = new Headers(request.header);
  header.set(name, value);
  return { ...request, header };
}

/** What to try once more with. Throws the error where that would not help. */
export async function anotherFor(
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
export async function inTime<T>(signal: AbortSignal, get: () => Promise<T>): Promise<T> {
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
