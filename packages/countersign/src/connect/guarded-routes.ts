import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createMethodImplSpec,
  createServiceImplSpec,
  type Interceptor,
  type MethodImpl,
  type MethodImplSpec,
} from "@connectrpc/connect";
import { requireCallers } from "../context/base-service.ts";
import type { Auth } from "../core/auth.ts";
import { answering } from "./answer.ts";
import type { Gate } from "./gate.ts";
import { procedureOf } from "./procedure.ts";
import { RequestText } from "./request-text.ts";

export interface RouteGuard {
  readonly policy: Pick<Auth<never>, "serve" | "rules">;
  readonly gate: Gate;
  readonly interceptor: Interceptor;
  /** What the whole router was given, for routes that say nothing else. */
  readonly options: ConnectRouterOptions;
}

type Routes = (router: ConnectRouter) => void;
type Options = Parameters<ConnectRouter["rpc"]>[2];
/** The implementation of a method whose kind is not known here. */
type Implementation = MethodImpl<DescMethodUnary>;

/** As much as gRPC's own servers take unless they are told otherwise. */
const defaultReadMaxBytes = 4 * 1024 * 1024;

/**
 * The same routes, each with a rule, and each behind the gate and the interceptor, whatever options a service brings.
 * Throws a `TypeError` that names the RPCs for which there is no rule, or one that names a request they do not have.
 */
export function guardRoutes(routes: Routes, guard: RouteGuard): Routes {
  return (router) => {
    let count = 0;
    const register = (specs: readonly MethodImplSpec[], options: Options): void => {
      for (const { method, impl } of specs) {
        // Each kind of method has its own kind of implementation.
        router.rpc(method as DescMethodUnary, impl as Implementation, guardOptions(method, guard, options));
        count += 1;
      }
    };
    const guarded: ConnectRouter = {
      handlers: router.handlers,
      service(service, implementation, options) {
        serve(service.methods, guard);
        requireCallers(implementation, service.methods.map(procedureOf), guard.policy);
        register(Object.values(createServiceImplSpec(service, implementation).methods), options);
        return guarded;
      },
      rpc(method, implementation, options) {
        serve([method], guard);
        register([createMethodImplSpec(method, implementation)], options);
        return guarded;
      },
    };
    routes(guarded);
    if (router.handlers.length !== count)
      throw new TypeError("a handler came past router.service() and router.rpc(): nothing would guard it");
    router.handlers.splice(0, count, ...router.handlers.map(answering));
  };
}

function guardOptions(method: DescMethod, { gate, interceptor, options }: RouteGuard, own: Options): Options {
  const more = own?.requestGate ?? options.requestGate;
  const jsonOptions = own?.jsonOptions ?? options.jsonOptions;
  return {
    ...own,
    readMaxBytes: own?.readMaxBytes ?? options.readMaxBytes ?? defaultReadMaxBytes,
    interceptors: [interceptor, ...(own?.interceptors ?? options.interceptors ?? [])],
    requestGate: more === undefined ? gate : inTurn(gate, more),
    // Connect's serialization takes a decoder beside Protobuf's options.
    jsonOptions: { ...jsonOptions, textDecoder: new RequestText(method.input, jsonOptions) } as object,
  };
}

function inTurn(first: Gate, second: Gate): Gate {
  return async (handler) => {
    await first(handler);
    await second(handler);
  };
}

/** An adapter of ours says what it serves, and which of it has one request, which the interceptor has judged. */
function serve(methods: readonly DescMethod[], { policy }: RouteGuard): void {
  const decoded = methods.filter(
    ({ methodKind }) => methodKind === "unary" || methodKind === "server_streaming",
  );
  policy.serve(methods.map(procedureOf), { decoded: decoded.map(procedureOf) });
}
