import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type Interceptor,
  type MethodImpl,
} from "@connectrpc/connect";
import { requireCallers } from "../context/base-service.ts";
import type { Auth } from "../core/auth.ts";
import { answering } from "./answer.ts";
import type { Gate } from "./gate.ts";
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
    const register = (method: DescMethod, implementation: Implementation, options: Options): void => {
      router.rpc(method as DescMethodUnary, implementation, guardOptions(method, guard, options));
      count += 1;
    };
    const guarded: ConnectRouter = {
      handlers: router.handlers,
      service(service, implementation, options) {
        const procedures = service.methods.map(procedureOf);
        guard.policy.serve(procedures, { decoded: decodedOf(service.methods) });
        requireCallers(implementation, procedures, guard.policy);
        for (const method of service.methods)
          register(method, implementationOf(implementation, method), options);
        return guarded;
      },
      rpc(method, implementation, options) {
        guard.policy.serve([procedureOf(method)], { decoded: decodedOf([method]) });
        register(method, implementation as unknown as Implementation, options);
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
    jsonOptions: withDecoder(jsonOptions, new RequestText(method.input, jsonOptions)),
  };
}

/** Connect's serialization takes a decoder beside Protobuf's options. */
function withDecoder<T extends object>(jsonOptions: T | undefined, textDecoder: RequestText): T {
  return { ...jsonOptions, textDecoder } as unknown as T;
}

function inTurn(first: Gate, second: Gate): Gate {
  return async (handler) => {
    await first(handler);
    await second(handler);
  };
}

function implementationOf(implementation: object, method: DescMethod): Implementation {
  const found = (implementation as Readonly<Record<string, unknown>>)[method.localName];
  if (typeof found === "function") return found.bind(implementation) as Implementation;
  return () => {
    throw new ConnectError(`${procedureOf(method)} is not implemented`, Code.Unimplemented);
  };
}

function procedureOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Those with one request, which the interceptor has judged. */
function decodedOf(methods: readonly DescMethod[]): readonly string[] {
  return methods
    .filter(({ methodKind }) => methodKind === "unary" || methodKind === "server_streaming")
    .map(procedureOf);
}
