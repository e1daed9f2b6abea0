import { type InterceptingListener, Metadata, type StatusObject } from "@grpc/grpc-js";
import { asClientError, type ClientError, clientStatus } from "../../client/client-error.ts";
import type { Credential } from "../../client/credential.ts";
import { isRenewable } from "../../client/refusal.ts";
import { newStreamId, type StreamRenewer, streamHeader } from "../../client/stream-renewer.ts";
import { refusalOf } from "./refusal-of.ts";
import { type InterceptingCallInterface, type MessageContext, SentRequests } from "./sent-requests.ts";

type Listener = Partial<InterceptingListener>;

export interface CredentialCallOptions {
  readonly credential: Credential;
  /** A call of the same method, not begun. */
  readonly next: () => InterceptingCallInterface;
  /** May credentials go there, as grpc-js names the other side? Where not, the call fails before it begins. */
  readonly mayReach: (peer: string) => boolean;
  /** In milliseconds since the epoch; `Infinity` for none. */
  readonly deadline: number;
  /** Does the method answer with one message? Then its headers wait until that is there. */
  readonly unaryResponse: boolean;
  /** Renews the stream that begins with a value. Undefined where streams are not renewed, and for calls that are none. */
  readonly renewer?: ((streamId: string, value: string) => StreamRenewer) | undefined;
}

/** `setTimeout` takes 31 bits of milliseconds. */
const longestTimer = 2 ** 31 - 1;

const inClear = "Credentials are not sent in clear: use TLS";

/**
 * One call with a credential. Refused for an old token before anything came back, it is made once more with another
 * one, and with everything that the caller has sent by then.
 */
export class CredentialCall implements InterceptingCallInterface {
  readonly #options: CredentialCallOptions;
  readonly #metadata: Metadata;
  #listener: Listener = {};
  #inner: InterceptingCallInterface | undefined;
  readonly #sent = new SentRequests();
  #reads = 0;
  #tries = 0;
  /** Headers and the lack of an answer, held back until it is clear that they are the last. */
  #held: Metadata | undefined;
  #noAnswer = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;
  #renewer: StreamRenewer | undefined;

  constructor(options: CredentialCallOptions) {
    this.#options = options;
    this.#metadata = new Metadata();
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    this.#listener = listener;
    this.#metadata.merge(metadata);
    this.#metadata.setOptions(metadata.getOptions());
    // Where it may go, a caller's own is the caller's business.
    if (this.#metadata.get(this.#options.credential.header).length > 0) {
      this.#begin(undefined);
      return;
    }
    const value = attempt(() => this.#options.credential.value());
    if (typeof value === "string") this.#begin(value);
    else
      this.#await(
        value,
        (text) => this.#begin(text),
        ({ code, message }) => this.#fail(code, message),
      );
  }

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    this.#sent.message(context, message);
  }

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  startRead(): void {
    this.#reads += 1;
    this.#inner?.startRead();
  }

  halfClose(): void {
    this.#sent.halfClose();
  }

  cancelWithStatus(code: number, details: string): void {
    if (this.#inner === undefined) this.#fail(code, details);
    else this.#inner.cancelWithStatus(code, details);
  }

  getPeer(): string {
    return this.#inner?.getPeer() ?? "";
  }

  getAuthContext(): ReturnType<InterceptingCallInterface["getAuthContext"]> {
    return this.#inner?.getAuthContext() ?? null;
  }

  /** `value`: undefined where the caller has brought one along. */
  #begin(value: string | undefined): void {
    const { credential, next, mayReach, renewer } = this.#options;
    const inner = next();
    if (!mayReach(inner.getPeer())) {
      inner.cancelWithStatus(clientStatus.FAILED_PRECONDITION, inClear);
      this.#fail(clientStatus.FAILED_PRECONDITION, inClear);
      return;
    }
    const metadata = this.#metadata.clone();
    if (value !== undefined) metadata.set(credential.header, value);
    if (value !== undefined && renewer !== undefined && metadata.get(streamHeader).length === 0) {
      const streamId = newStreamId();
      metadata.set(streamHeader, streamId);
      this.#renewer = renewer(streamId, value);
    }
    this.#inner = inner;
    this.#tries += 1;
    inner.start(metadata, {
      onReceiveMetadata: (headers) => this.#headers(headers),
      onReceiveMessage: (message: unknown) => this.#answer(message),
      onReceiveStatus: (status) => this.#status(status, value),
    });
    this.#sent.to(inner);
    for (let read = 0; read < this.#reads; read++) inner.startRead();
    if (this.#tries > 1) this.#sent.release();
  }

  #headers(metadata: Metadata): void {
    if (this.#options.unaryResponse) this.#held = metadata;
    else this.#listener.onReceiveMetadata?.(metadata);
  }

  #answer(message: unknown): void {
    // grpc-js says so before the status of a unary call that failed.
    if (message === null) {
      this.#noAnswer = true;
      return;
    }
    this.#sent.release();
    this.#reads = Math.max(this.#reads - 1, 0);
    this.#release();
    this.#listener.onReceiveMessage?.(message);
  }

  #status(status: StatusObject, value: string | undefined): void {
    this.#renewer?.stop();
    if (this.#over) return;
    if (value === undefined || !this.#sent.isWhole || !isRenewable(status.code, refusalOf(status.metadata))) {
      this.#end(status);
      return;
    }
    this.#inner = undefined;
    this.#sent.hold();
    this.#await(
      this.#options.credential.another(value),
      (text) => {
        if (text === undefined) this.#end(status);
        else this.#again(text);
      },
      (error) => {
        // That nobody is logged in says less than why this token was refused.
        if (error.code === clientStatus.UNAUTHENTICATED) this.#end(status);
        else this.#fail(error.code, error.message);
      },
    );
  }

  #again(value: string): void {
    this.#held = undefined;
    this.#noAnswer = false;
    this.#begin(value);
  }

  /** Waits for a value, no longer than the call has time. */
  #await<T>(value: Promise<T>, done: (value: T) => void, failed: (error: ClientError) => void): void {
    const { deadline } = this.#options;
    if (deadline !== Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(
        () => this.#fail(clientStatus.DEADLINE_EXCEEDED, "Deadline exceeded"),
        Math.min(Math.max(deadline - Date.now(), 0), longestTimer),
      );
    const unlessOver =
      <V>(then: (value: V) => void) =>
      (settled: V): void => {
        clearTimeout(this.#timer);
        if (!this.#over) then(settled);
      };
    value.then(
      unlessOver(done),
      unlessOver((error: unknown) => failed(asClientError(error))),
    );
  }

  /** What was held back comes before what follows from it. */
  #release(): void {
    if (this.#held === undefined) return;
    const headers = this.#held;
    this.#held = undefined;
    this.#listener.onReceiveMetadata?.(headers);
  }

  #fail(code: number, details: string): void {
    if (this.#options.unaryResponse) this.#noAnswer = true;
    this.#end({ code, details, metadata: new Metadata() });
  }

  #end(status: StatusObject): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#renewer?.stop();
    this.#inner = undefined;
    this.#sent.drop();
    this.#release();
    if (this.#noAnswer) this.#listener.onReceiveMessage?.(null);
    this.#listener.onReceiveStatus?.(status);
  }
}

/** A value, or a promise that also stands for what was thrown. */
function attempt(work: () => string | Promise<string>): string | Promise<string> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
