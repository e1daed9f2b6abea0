import type { Call } from "./call.ts";
import type { Denied } from "./decision.ts";
import { showSameRequest } from "./request-guard.ts";

/**
 * What a client calls a stream that it means to renew. The client makes it up, since the headers of an answer may not come
 * before its first message: 128 bits or more, at random.
 */
export const streamHeader = "x-countersign-stream";

const streamId = /^[A-Za-z0-9_-]{22,64}$/;

/** Can this be the name of a stream? */
export function isStreamId(text: string): boolean {
  return streamId.test(text);
}

/** A call that came to renew a stream, and whom it was let in as. */
export interface Renewer<P> {
  readonly call: Call;
  readonly principal: P | undefined;
  readonly authenticator: string | undefined;
}

/** The stream goes on until then, in milliseconds since the epoch, or it may not: as it is, it stays until its own end. */
export type StreamRenewal = { readonly ok: true; readonly expiresAt: number } | Denied;

/** By which a stream is found: its name and all that its caller is. Undefined for one that has no name, or a bad one. */
export function streamKeyOf<P>(call: Call, admitted: Omit<Renewer<P>, "call">): string | undefined {
  const [id, more] = call.header(streamHeader);
  return id === undefined || more !== undefined ? undefined : streamKey(id, { ...admitted, call });
}

/** The same of whoever asks for it. Nobody else's question leads to the same stream, whatever it is called. */
export function streamKey<P>(id: string, { principal, authenticator }: Renewer<P>): string | undefined {
  if (!isStreamId(id) || principal === undefined) return undefined;
  const { userId, sessionId, tenantId, clientId, apiKey } = principal as Partial<Identity>;
  if (typeof userId !== "string") return undefined;
  return JSON.stringify([id, authenticator, userId, sessionId, tenantId, clientId, apiKey?.id]);
}

/** Of a `Principal`; an application's own kind may have less. */
interface Identity {
  readonly userId: unknown;
  readonly sessionId: unknown;
  readonly tenantId: unknown;
  readonly clientId: unknown;
  readonly apiKey: { readonly id?: unknown } | undefined;
}

/** The stream's call with the credential of another call; all else that a rule may look at stays as it was. */
export function renewedCall(stream: Call, renewal: Call, credentialHeaders: readonly string[]): Call {
  const { protocol, procedure, peer, signal, requestId } = stream;
  // Read now: the other call is over soon.
  const credentials = new Map(credentialHeaders.map((name) => [name, renewal.header(name)]));
  const call: Call = {
    ...{ protocol, procedure, peer, signal },
    header: (name) => credentials.get(name) ?? stream.header(name),
    ...(requestId !== undefined && { requestId }),
  };
  showSameRequest(stream, call);
  return call;
}
