import type { CallContext } from "../context/call-context.ts";

/** By request object: nothing that a client sends can put an identity here. */
const contexts = new WeakMap<object, CallContext>();

export function setContext(request: object, context: CallContext): void {
  contexts.set(request, context);
}

export function contextOf(request: object): CallContext | undefined {
  return contexts.get(request);
}
