import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "./call-context.ts";

type Answer<M extends DescMethod> = MessageInitShape<M["output"]> | Promise<MessageInitShape<M["output"]>>;
type Request<M extends DescMethod> = MessageShape<M["input"]>;
type Stream<M extends DescMethod> = AsyncIterable<MessageInitShape<M["output"]>>;

/** One method as a function of its request and its context; streams are async iterables. */
export type RpcHandler<M extends DescMethod> = M extends { readonly methodKind: "unary" }
  ? (request: Request<M>, context: CallContext) => Answer<M>
  : M extends { readonly methodKind: "server_streaming" }
    ? (request: Request<M>, context: CallContext) => Stream<M>
    : M extends { readonly methodKind: "client_streaming" }
      ? (requests: AsyncIterable<Request<M>>, context: CallContext) => Answer<M>
      : (requests: AsyncIterable<Request<M>>, context: CallContext) => Stream<M>;

/** A service's methods by their names in TypeScript: no transport in sight. */
export type ServiceHandlers<S extends DescService> = {
  readonly [K in keyof S["method"]]: RpcHandler<S["method"][K]>;
};
