import type { DescService } from "@bufbuild/protobuf";
import { CallError, callStatus, Unavailable } from "../core/call-error.ts";
import { isPromise } from "../core/decision.ts";
import { statusOf } from "../core/denial.ts";
import { Refusal } from "../core/refusal.ts";
import type { CallContext } from "./call-context.ts";
import type { ServiceHandlers } from "./service-handlers.ts";

/** How a handler ended. */
export interface HandlerEnd {
  /** The gRPC status that the caller is told. */
  readonly code: number;
  /** What it threw; undefined if it did not. */
  readonly thrown: unknown;
}

/** One call of a handler, as somebody watches it. */
export interface Watched {
  /** Called at the end, once. Must not throw. */
  end(end: HandlerEnd): void;
  /** Runs each part of the handler's work. Default: as it is. */
  readonly run?: (<T>(work: () => T) => T) | undefined;
}

/** Called when a handler is about to run: by the full name of its procedure. Must not throw. */
export type WatchHandler = (procedure: string, context: CallContext) => Watched;

type AnyHandler = (input: unknown, context: CallContext) => unknown;

const ok: HandlerEnd = Object.freeze({ code: 0, thrown: undefined });
const left: HandlerEnd = Object.freeze({ code: callStatus.CANCELLED.grpc, thrown: undefined });

/** The same handlers, watched: for measuring and tracing behind any adapter. Nothing that they do or answer changes. */
export function aroundHandlers<S extends DescService>(
  service: S,
  handlers: ServiceHandlers<S>,
  watch: WatchHandler,
): ServiceHandlers<S> {
  // What they inherit from is seen by adapters.
  const around: ServiceHandlers<S> = Object.create(handlers);
  for (const method of service.methods) {
    const handler = handlers[method.localName as keyof ServiceHandlers<S>] as AnyHandler | undefined;
    if (handler === undefined) continue;
    const streams = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
    const procedure = `/${service.typeName}/${method.name}`;
    const wrap = streams ? streaming : answering;
    const value = wrap(handler.bind(handlers), (context) => watch(procedure, context));
    // Not by assignment, which what is inherited and frozen forbids.
    Object.defineProperty(around, method.localName, { value, enumerable: true });
  }
  return around;
}

type Watch = (context: CallContext) => Watched;

function answering(handler: AnyHandler, watch: Watch): AnyHandler {
  return (input, context) => {
    const { end, run = plainly } = watch(context);
    try {
      const answer = run(() => handler(input, context));
      if (!isPromise(answer)) {
        end(ok);
        return answer;
      }
      return answer.then(
        (settled) => {
          end(ok);
          return settled;
        },
        (thrown: unknown) => {
          end(endOf(thrown, context));
          throw thrown;
        },
      );
    } catch (thrown) {
      end(endOf(thrown, context));
      throw thrown;
    }
  };
}

function streaming(handler: AnyHandler, watch: Watch): AnyHandler {
  return (input, context) => {
    const watched = watch(context);
    const { run = plainly } = watched;
    try {
      const answers = run(() => (handler(input, context) as AsyncIterable<unknown>)[Symbol.asyncIterator]());
      return new WatchedStream(answers, watched, context);
    } catch (thrown) {
      watched.end(endOf(thrown, context));
      throw thrown;
    }
  };
}

/** No generator: one that waits for the next answer would not hear that its caller has left. */
class WatchedStream implements AsyncIterableIterator<unknown> {
  readonly #answers: AsyncIterator<unknown>;
  readonly #watched: Watched;
  readonly #context: CallContext;
  #ended = false;

  constructor(answers: AsyncIterator<unknown>, watched: Watched, context: CallContext) {
    this.#answers = answers;
    this.#watched = watched;
    this.#context = context;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const { run = plainly } = this.#watched;
    try {
      const next = await run(() => this.#answers.next());
      if (next.done === true) this.#end(ok);
      return next;
    } catch (thrown) {
      this.#end(endOf(thrown, this.#context));
      throw thrown;
    }
  }

  /** Whoever has enough of the answers says so to the handler, too. */
  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#end(left);
    return (await this.#answers.return?.(value)) ?? { done: true, value };
  }

  #end(end: HandlerEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watched.end(end);
  }
}

function plainly<T>(work: () => T): T {
  return work();
}

function endOf(thrown: unknown, { call }: CallContext): HandlerEnd {
  return { code: codeOf(thrown, call.signal), thrown };
}

/** The status that adapters tell for what a handler threw. */
function codeOf(thrown: unknown, signal: AbortSignal): number {
  if (thrown instanceof Refusal) return statusOf[thrown.denial.reason].grpc;
  if (thrown instanceof CallError) return callStatus[thrown.status].grpc;
  if (thrown instanceof Unavailable) return callStatus.UNAVAILABLE.grpc;
  if (signal.aborted) return callStatus.CANCELLED.grpc;
  const { code } = (thrown ?? {}) as { readonly code?: unknown };
  return isStatusCode(code) ? code : callStatus.INTERNAL.grpc;
}

function isStatusCode(code: unknown): code is number {
  return typeof code === "number" && Number.isInteger(code) && code >= 0 && code <= 16;
}
