import type { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "../context/call-context.ts";

/** A constructor that makes nothing: what it is given is what the fields of a class below it are put on. */
function Given(given: object): object {
  return given;
}

/**
 * The context of each call, as a private field of the `Metadata` object that grpc-js hands from the interceptor to the handler:
 * nobody else can read it or put one there, and it is in no copy and no print of the object. (A WeakMap takes five times as
 * long, and each of its entries is work for the collector.) It is the object that counts, not its content: nothing that a
 * client sends can put an identity here.
 */
class WithContext extends (Given as unknown as new (given: object) => object) {
  #context: CallContext;

  constructor(metadata: Metadata, context: CallContext) {
    super(metadata);
    this.#context = context;
  }

  static of(metadata: Metadata): CallContext {
    if (#context in metadata) return (metadata as WithContext).#context;
    throw new TypeError("this call did not pass the interceptor of grpcAuth()");
  }
}

/** Says which context a call has. A TypeError for a second one. */
export function setContext(metadata: Metadata, context: CallContext): void {
  new WithContext(metadata, context);
}

/** The context of a call. A TypeError for one of an unguarded server. */
export function contextOf({ metadata }: { readonly metadata: Metadata }): CallContext {
  return WithContext.of(metadata);
}
