import type { Interceptor } from "@grpc/grpc-js";

/** What grpc-js's interceptors stand on, which it does not export by name. */
export type InterceptingCallInterface = ReturnType<Parameters<Interceptor>[1]>;

/** What a message is sent with: above all, whom to tell when it is on its way. */
export type MessageContext = Parameters<InterceptingCallInterface["sendMessageWithContext"]>[0];

type Step = { readonly message: unknown; readonly context: MessageContext } | "half-close";

/** Requests of a stream that are remembered until the first answer. With more than that it is not begun anew. */
const rememberedMessages = 16;

/** What a caller has sent and is still to send, so that it can be sent from the start again for as long as nothing came back. */
export class SentRequests {
  /** From the first one on for as long as all of it is remembered; from then on, those that are still to be sent. */
  #steps: Step[] = [];
  #position = 0;
  #sending = false;
  #isWhole = true;
  #call: InterceptingCallInterface | undefined;

  /** Can it be begun anew? */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  message(context: MessageContext, message: unknown): void {
    this.#steps.push({ message, context: toldOnce(context) });
    this.#send();
  }

  halfClose(): void {
    this.#steps.push("half-close");
    this.#send();
  }

  /** Sends all of it, and what comes later. */
  to(call: InterceptingCallInterface): void {
    this.#call = call;
    this.#position = 0;
    this.#sending = false;
    this.#send();
  }

  /** That call is over: what comes now waits for another one. */
  hold(): void {
    this.#call = undefined;
  }

  /** It will not be begun anew: what was sent need not be remembered. */
  release(): void {
    this.#isWhole = false;
    this.#forget();
  }

  /** Nothing will be sent any more. */
  drop(): void {
    this.#call = undefined;
    this.#isWhole = false;
    this.#steps = [];
    this.#position = 0;
  }

  /** One message after the other: grpc-js holds no more than one that is on its way. */
  #send(): void {
    const call = this.#call;
    while (call !== undefined && this.#position < this.#steps.length) {
      const step = this.#steps[this.#position];
      if (step === "half-close") call.halfClose();
      else if (this.#sending) return;
      else if (step !== undefined) this.#sendMessage(call, step);
      this.#position += 1;
      if (step !== "half-close" && this.#position > rememberedMessages) this.#isWhole = false;
      this.#forget();
    }
  }

  #sendMessage(call: InterceptingCallInterface, { message, context }: Exclude<Step, "half-close">): void {
    this.#sending = true;
    const callback = (error?: Error | null): void => {
      context.callback?.(error);
      if (call !== this.#call) return;
      this.#sending = false;
      this.#send();
    };
    call.sendMessageWithContext({ ...context, callback }, message);
  }

  #forget(): void {
    if (this.#isWhole) return;
    this.#steps.splice(0, this.#position);
    this.#position = 0;
  }
}

/** Whoever sent a message hears once that it is on its way, however often it is sent. */
function toldOnce(context: MessageContext): MessageContext {
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
