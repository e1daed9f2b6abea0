import { type InterceptingListener, type Interceptor, Metadata, type StatusObject } from "@grpc/grpc-js";
import { asClientError, type ClientError, clientStatus } from "../../client/client-error.ts";
import type { Credential } from "../../client/credential.ts";
import { isRenewable } from "../../client/refusal.ts";
import { newStreamId, type StreamRenewer, streamHeader } from "../../client/stream-renewer.ts";
import { refusalOf } from "./refusal-of.ts";

/** What grpc-js's interceptors stand on, which it does not export by name. */
export type InterceptingCallInterface = ReturnType<Parameters<Interceptor>[1]>;

type Context = Parameters<InterceptingCallInterface["sendMessageWithContext"]>[0];
type Listener = Partial<InterceptingListener>;

/** What the caller has done so far, to be done again. */
type Step = { readonly message: unknown; readonly context: Context } | "half-close";

export interface CredentialCallOptions {
  readonly credential: Credential;
  /** A call of the same method, not begun. */
  readonly next: () => InterceptingCallInterface;
  /** May a credential go there, as grpc-js names the other side? Where not, the call fails before it begins. */
  readonly mayReach: (peer: string) => boolean;
  /** In milliseconds since the epoch; `Infinity` for none. */
  readonly deadline: number;
  /** Does the method answer with one message? Then its headers wait until that is there. */
  readonly unaryResponse: boolean;
  /** Renews the stream that begins with a value. Undefined where streams are not renewed, and for calls that are none. */
  readonly renewer?: ((streamId: string, value: string) => StreamRenewer) | undefined;
}

/** Requests of a stream that are remembered until the first answer. With more than that it is not begun anew. */
const rememberedMessages = 16;

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
  /** From the first one on for as long as it may be begun anew; from then on, those that are still to be sent. */
  #steps: Step[] = [];
  #position = 0;
  #sending = false;
  #isWhole = true;
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
    // The caller's own is the caller's business.
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

  sendMessageWithContext(context: Context, message: unknown): void {
    this.#steps.push({ message, context: toldOnce(context) });
    this.#send();
  }

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  startRead(): void {
    this.#reads += 1;
    this.#inner?.startRead();
  }

  halfClose(): void {
    this.#steps.push("half-close");
    this.#send();
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
    if (value !== undefined && !mayReach(inner.getPeer())) {
      inner.cancelWithStatus(clientStatus.FAILED_PRECONDITION, inClear);
      this.#fail(clientStatus.FAILED_PRECONDITION, inClear);
      return;
    }
    const metadata = this.#metadata.clone();
    if (value !== undefined) metadata.set(credential.header, value);
    if (value !== undefined && renewer !== undefined) {
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
    this.#position = 0;
    this.#sending = false;
    this.#send();
    for (let read = 0; read < this.#reads; read++) inner.startRead();
    if (this.#tries > 1) this.#isWhole = false;
  }

  /** One message after the other: grpc-js holds no more than one that is on its way. */
  #send(): void {
    const inner = this.#inner;
    while (inner !== undefined && this.#position < this.#steps.length) {
      const step = this.#steps[this.#position];
      if (step === "half-close") inner.halfClose();
      else if (this.#sending) return;
      else if (step !== undefined) this.#sendMessage(inner, step);
      this.#position += 1;
      if (step !== "half-close" && this.#position > rememberedMessages) this.#isWhole = false;
      this.#forget();
    }
  }

  #sendMessage(inner: InterceptingCallInterface, { message, context }: Exclude<Step, "half-close">): void {
    this.#sending = true;
    const callback = (error?: Error | null): void => {
      context.callback?.(error);
      if (inner !== this.#inner) return;
      this.#sending = false;
      this.#send();
    };
    inner.sendMessageWithContext({ ...context, callback }, message);
  }

  /** What was sent is not needed any more where nothing can be begun anew. */
  #forget(): void {
    if (this.#isWhole) return;
    this.#steps.splice(0, this.#position);
    this.#position = 0;
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
    this.#isWhole = false;
    this.#forget();
    this.#reads = Math.max(this.#reads - 1, 0);
    this.#release();
    this.#listener.onReceiveMessage?.(message);
  }

  #status(status: StatusObject, value: string | undefined): void {
    this.#renewer?.stop();
    if (this.#over) return;
    if (value === undefined || !this.#isWhole || !isRenewable(status.code, refusalOf(status.metadata))) {
      this.#end(status);
      return;
    }
    this.#inner = undefined;
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
    this.#steps = [];
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

/** Whoever sent a message hears once that it is on its way, however often it is sent. */
function toldOnce(context: Context): Context {
  let { callback } = context;
  if (callback === undefined) return context;
  return {
    ...context,
    callback(error) {
      const tell = callback;
      callback = undefined;
      tell?.(error);
    },
  };
}
