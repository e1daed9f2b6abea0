import "reflect-metadata";
import { RequestMethod, type Type } from "@nestjs/common";

/** A method of a controller, and what it answers. */
export interface ControllerHandler {
  readonly target: Type;
  readonly handler: object;
  /** `GET /path` of each route that leads here, or one `/package.Service/Method`. */
  readonly procedures: readonly string[];
  /** Does it take one message, which a rule can be asked about? */
  readonly decoded: boolean;
}

export interface HandlerNames {
  /** The paths of HTTP under which Nest registers a method of the controller. */
  readonly pathsOf: (handler: object, method: RequestMethod) => readonly string[];
  /** Of services that are named without one. */
  readonly grpcPackage: string | undefined;
}

/** Keys under which Nest's own decorators leave what they were told. */
const keys = {
  method: "method",
  pattern: "microservices:pattern",
  transport: "microservices:transport",
} as const;

/** `Transport.GRPC`; the package that says so is not needed for HTTP. */
const grpcTransport = 4;

/** Everything that a controller answers, whatever the transport. */
export function handlersOf(target: Type, names: HandlerNames): readonly ControllerHandler[] {
  return methodsOf(target.prototype as object).flatMap((handler) => {
    if (Reflect.hasMetadata(keys.method, handler)) return [httpHandler(target, handler, names)];
    if (Reflect.hasMetadata(keys.pattern, handler)) return [messageHandler(target, handler, names)];
    return [];
  });
}

function methodsOf(prototype: object): readonly object[] {
  const found = new Map<string, object>();
  for (let each = prototype; each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each)))
      if (typeof value === "function" && name !== "constructor" && !found.has(name))
        found.set(name, value as object);
  }
  return [...found.values()];
}

function httpHandler(target: Type, handler: object, { pathsOf }: HandlerNames): ControllerHandler {
  const method = Reflect.getMetadata(keys.method, handler) as RequestMethod;
  const procedures = pathsOf(handler, method).map((path) => `${RequestMethod[method]} ${path}`);
  return { target, handler, procedures, decoded: true };
}

interface GrpcPattern {
  readonly service?: string;
  readonly rpc?: string;
  readonly streaming?: string;
}

function messageHandler(target: Type, handler: object, { grpcPackage }: HandlerNames): ControllerHandler {
  const [pattern] = Reflect.getMetadata(keys.pattern, handler) as readonly GrpcPattern[];
  const { service = "", rpc = "", streaming } = pattern ?? {};
  if (Reflect.getMetadata(keys.transport, handler) !== grpcTransport)
    throw new TypeError(
      `${target.name}.${(handler as { name: string }).name} is no handler of HTTP or gRPC: nothing guards it`,
    );
  if (!service.includes(".") && grpcPackage === undefined)
    throw new TypeError(
      `the package of ${service} is not known: nestAuth(auth, { grpcPackage }), or its whole name in @GrpcMethod()`,
    );
  const name = service.includes(".") || grpcPackage === "" ? service : `${grpcPackage}.${service}`;
  return { target, handler, procedures: [`/${name}/${rpc}`], decoded: streaming === "no_stream" };
}
