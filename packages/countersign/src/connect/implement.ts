import type { DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { AuthRequiredService } from "../context/base-service.ts";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { admissionOf } from "./admission.ts";

type AnyHandler = (input: unknown, context: CallContext) => unknown;

/**
 * Handlers that know no transport, for a router: `router.service(UserService, implement(UserService, handlers))`. The
 * same ones serve grpc-js through `countersign/grpc`.
 */
export function implement<S extends DescService>(service: S, handlers: ServiceHandlers<S>): ServiceImpl<S> {
  // A class keeps its kind, so that the router can see that it lets nobody in who is anonymous.
  const implementation: Record<string, unknown> = Object.create(
    handlers instanceof AuthRequiredService ? AuthRequiredService.prototype : null,
  );
  for (const method of service.methods) {
    const handler = handlers[method.localName as keyof ServiceHandlers<S>] as AnyHandler | undefined;
    if (typeof handler !== "function")
      throw new TypeError(`no handler for ${service.typeName}.${method.localName}`);
    const bound = handler.bind(handlers);
    implementation[method.localName] = (input: unknown, context: HandlerContext) =>
      bound(input, admissionOf(context.values).context);
  }
  return implementation as ServiceImpl<S>;
}
