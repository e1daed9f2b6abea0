import type {
  DynamicModule,
  MiddlewareConsumer,
  NestModule,
  OnApplicationBootstrap,
  Type,
} from "@nestjs/common";
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  HttpAdapterHost,
} from "@nestjs/core";
import type { RequestHandler } from "express";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import { type HttpAuthOptions, HttpDoor } from "../http/http-door.ts";
import { notServed } from "../http/json-error.ts";
import { sendError } from "../http/node-answer.ts";
import { answerCors } from "../http/node-cors.ts";
import { ruleOf } from "./decorators.ts";
import { handlersOf } from "./handlers.ts";
import { NestCalls, NestFilter } from "./nest-answers.ts";
import { NestGuard } from "./nest-guard.ts";

export interface NestAuthOptions<P extends Principal, U extends UserAccount> extends HttpAuthOptions<P, U> {
  /** Reads bodies of admitted requests, as `express.json()`. Nest's own parsers read before its guards: `bodyParser: false`. */
  readonly body?: RequestHandler;
  /** The package of services that `@GrpcMethod()` names without one. The empty string: they have none. */
  readonly grpcPackage?: string;
  /** How gRPC is told what a handler throws: `grpcAuth(auth).toStatus`. */
  readonly toStatus?: (thrown: unknown) => object | undefined;
}

/**
 * Guards a Nest application with an `Auth`: import the module into the root module. Every handler of every controller needs a
 * rule, by `@Guards()`, by a table, by the option `guards` or by a mode; without one the application does not start. HTTP is
 * Express's. gRPC is decided about by `grpcAuth(auth).interceptor` among `channelOptions.interceptors` of the microservice.
 */
export function nestAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: NestAuthOptions<P, U> = {},
): DynamicModule {
  const door = new HttpDoor<P, U>(auth, options);
  const guard = new NestGuard<P, U>(door, options.body);
  const own = new Set<string>();

  function declare(targets: readonly Type[], globalPrefix: string): void {
    const names = { globalPrefix, grpcPackage: options.grpcPackage };
    for (const { target, handler, procedures, kind, decoded } of targets.flatMap((each) =>
      handlersOf(each, names),
    )) {
      const [procedure = ""] = procedures;
      if (kind === "other")
        throw new TypeError(`${procedure} is no handler of HTTP or gRPC: nothing guards it`);
      const seen =
        kind === "grpc"
          ? decoded
          : decoded && (options.body !== undefined || /^(GET|HEAD|DELETE) /.test(procedure));
      door.declare(procedure, ruleOf<P>(target, handler), seen);
      guard.know(target, handler, procedure);
      for (const each of procedures) own.add(each.split(" ", 1)[0] ?? "");
    }
  }

  class CountersignModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      const first: RequestHandler = (request, response, next) => {
        if (answerCors(door.cors, request, response)) return;
        // Express would answer OPTIONS by itself.
        if (request.method === "OPTIONS" && !own.has("OPTIONS") && !own.has("ALL"))
          sendError(request, response, notServed({ kind: "nothing" }));
        else next();
      };
      consumer.apply(first).forRoutes("{*path}");
    }
  }
  const start = {
    provide: Symbol("countersign: start"),
    inject: [DiscoveryService, ApplicationConfig, HttpAdapterHost],
    useFactory: (
      discovery: DiscoveryService,
      config: ApplicationConfig,
      host: HttpAdapterHost,
    ): OnApplicationBootstrap => ({
      onApplicationBootstrap() {
        requireExpress(host);
        const targets = new Set(discovery.getControllers().map(({ metatype }) => metatype as Type));
        declare([...targets], config.getGlobalPrefix());
      },
    }),
  };
  return {
    module: CountersignModule,
    imports: [DiscoveryModule],
    providers: [
      { provide: APP_GUARD, useValue: guard },
      { provide: APP_INTERCEPTOR, useValue: new NestCalls() },
      { provide: APP_FILTER, useValue: new NestFilter<P, U>(door, options.toStatus) },
      start,
    ],
  };
}

/** Throws a `TypeError` where bodies would be read before a decision. */
function requireExpress({ httpAdapter }: HttpAdapterHost): void {
  // A microservice has none.
  const type = httpAdapter?.getType?.();
  if (type === undefined || type === "") return;
  if (type !== "express") throw new TypeError(`nestAuth() knows HTTP with Express, not with ${type}`);
  const { router } = httpAdapter.getInstance<{ router: { stack: readonly { name: string }[] } }>();
  const parser = router.stack.find(({ name }) => /^(json|urlencoded|raw|text)Parser$/.test(name));
  if (parser === undefined) return;
  throw new TypeError(
    `${parser.name} reads bodies before a decision: NestFactory.create(…, { bodyParser: false }), and nestAuth(auth, { body })`,
  );
}
