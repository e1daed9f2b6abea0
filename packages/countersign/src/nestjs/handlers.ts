import "reflect-metadata";
import { RequestMethod, type Type } from "@nestjs/common";

/** A method of a controller, and what it answers. */
export interface ControllerHandler {
  readonly target: Type;
  readonly handler: object;
  /** `GET /path`, or `/package.Service/Method`. The first is the name under which it is decided about. */
  readonly procedures: readonly string[];
  readonly kind: "http" | "grpc" | "other";
  /** Does it take one message, which a rule can be asked about? */
  readonly decoded: boolean;
}

export interface HandlerNames {
  /** Before every path of HTTP. */
  readonly globalPrefix: string;
  /** Of services that are named without one. */
  readonly grpcPackage: string | undefined;
}

/** Keys under which Nest's own decorators leave what they were told. */
const keys = {
  path: "path",
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

function httpHandler(target: Type, handler: object, { globalPrefix }: HandlerNames): ControllerHandler {
  const method = RequestMethod[Reflect.getMetadata(keys.method, handler) as number] ?? "ALL";
  const [outer, inner] = [target, handler].map(
    (each) => [Reflect.getMetadata(keys.path, each) ?? ""].flat() as string[],
  );
  const procedures = (outer ?? []).flatMap((first) =>
    (inner ?? []).map((second) => `${method} ${joined(globalPrefix, first, second)}`),
  );
  return { target, handler, procedures, kind: "http", decoded: true };
}

function joined(...parts: readonly string[]): string {
  return `/${parts
    .flatMap((part) => part.split("/"))
    .filter((part) => part !== "")
    .join("/")}`;
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
    return {
      target,
      handler,
      procedures: [`${target.name}.${(handler as { name: string }).name}`],
      kind: "other",
      decoded: false,
    };
  if (!service.includes(".") && grpcPackage === undefined)
    throw new TypeError(
      `the package of ${service} is not known: nestAuth(auth, { grpcPackage }), or its whole name in @GrpcMethod()`,
    );
  const name = service.includes(".") || grpcPackage === "" ? service : `${grpcPackage}.${service}`;
  return {
    target,
    handler,
    procedures: [`/${name}/${rpc}`],
    kind: "grpc",
    decoded: streaming === "no_stream",
  };
}
