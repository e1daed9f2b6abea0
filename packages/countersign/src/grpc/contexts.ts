import type { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "../context/call-context.ts";

/**
 * The context of each call, keyed by the `Metadata` object that grpc-js hands from the interceptor to the handler. It
 * is the object that counts, not its content: nothing that a client sends can put an identity here.
 */
export const contexts = new WeakMap<Metadata, CallContext>();
