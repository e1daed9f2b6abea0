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
  ModulesContainer,
} from "@nestjs/core";
import type { RequestHandler } from "express";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";
import { type HttpAuthOptions, HttpDoor } from "../http/http-door.ts";
import { notServed } from "../http/json-error.ts";
import { sendError } from "../http/node-answer.ts";
import { answerFirst } from "../http/node-first.ts";
import { ruleOf } from "./decorators.ts";
import { type ControllerHandler, handlersOf } from "./handlers.ts";
import { NestCalls, NestFilter, tellerOf } from "./nest-answers.ts";
import { NestGuard } from "./nest-guard.ts";
import { nestRoutes } from "./nest-routes.ts";

export interface NestAuthOptions<P extends Principal, U extends UserAccount> extends HttpAuthOptions<P, U> {
  /** Reads bodies of admitted requests, as `express.json()`. Nest's own parsers read before its guards: `bodyParser: false`. */
  readonly body?: RequestHandler;
  /** The package of services that `@GrpcMethod()` names without one. The empty string: they have none. */
  readonly grpcPackage?: string;
  /** How gRPC is told what a handler throws: `grpcAuth(auth).toStatus`. */
  readonly toStatus?: (thrown: unknown) => object | undefined;
  /**
   * Told of what a handler of HTTP threw that was not meant for the caller. Default: nobody but Nest's own logger, which is
   * told in any case. `grpcAuth(auth, { onError })` is for gRPC.
   */
  readonly onError?: (error: unknown, procedure: string) => void;
  /**
   * Stops the start where a table has a rule of what no controller answers. `false` where other servers of the `Auth` are
   * declared later: then `auth.seal()` is to be called after them. Default: true.
   */
  readonly seal?: boolean;
}

/**
 * Guards a Nest application with an `Auth`: import the module into the root module. Every handler of every controller needs a
 * rule, by `@Guards()`, by a table, by the option `guards` or by a mode; without one the application does not start, nor with
 * a rule in a table that names no route. A route's name is the path under which Nest registers it. HTTP is Express's. gRPC
 * is decided about by `grpcAuth(auth).interceptor` among `channelOptions.interceptors` of the microservice.
 */
export function nestAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: NestAuthOptions<P, U> = {},
): DynamicModule {
  const door = new HttpDoor<P, U>(auth, options, ["body", "grpcPackage", "toStatus", "seal"]);
  const tell = tellerOf<P, U>(door, options.onError);
  const guard = new NestGuard<P, U>(door, options.body, tell);
  const own = new Set<string>();
  /** Handlers that answer one route, as versions by header do, are told apart by Nest alone. */
  const rules = new Map<string, RouteRule<P>>();

  function declare({ target, handler, procedures, decoded }: ControllerHandler): void {
    const rule = ruleOf<P>(target, handler);
    for (const procedure of procedures) {
      const [method = "", path] = procedure.split(" ", 2);
      const before = rules.get(procedure) ?? rule;
      if (!sameList(before.guards, rule.guards) || !sameList(before.auth, rule.auth))
        throw new TypeError(`two handlers with different rules answer ${procedure}`);
      const seen = decoded && (method.startsWith("/") || options.body !== undefined || bodiless.has(method));
      if (!rules.has(procedure)) door.declare(procedure, rule, seen);
      rules.set(procedure, rule);
      guard.know(target, handler, path, procedure);
      own.add(method);
    }
  }

  class CountersignModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      const first: RequestHandler = (request, response, next) => {
        if (answerFirst(door.cors, request, response)) return;
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
    inject: [DiscoveryService, ApplicationConfig, HttpAdapterHost, ModulesContainer],
    useFactory: (
      discovery: DiscoveryService,
      config: ApplicationConfig,
      { httpAdapter }: HttpAdapterHost,
      modules: ModulesContainer,
    ): OnApplicationBootstrap => ({
      onApplicationBootstrap() {
        requireExpress(httpAdapter);
        const routes = nestRoutes(config, modules, httpAdapter);
        for (const wrapper of discovery.getControllers()) {
          const names = { pathsOf: routes(wrapper), grpcPackage: options.grpcPackage };
          for (const handler of handlersOf(wrapper.metatype as Type, names)) declare(handler);
        }
        if (options.seal ?? true) auth.seal();
      },
    }),
  };
  return {
    module: CountersignModule,
    imports: [DiscoveryModule],
    providers: [
      { provide: APP_GUARD, useValue: guard },
      { provide: APP_INTERCEPTOR, useValue: new NestCalls(tell) },
      { provide: APP_FILTER, useValue: new NestFilter<P, U>(door, options.toStatus) },
      start,
    ],
  };
}

/** A decorator makes a list of its own each time. */
function sameList(one: readonly unknown[] = [], other: readonly unknown[] = []): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

/** Methods whose requests have no body that matters: a rule about the request sees the rest. */
const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE"]);

/** Throws a `TypeError` where bodies would be read before a decision. */
function requireExpress(httpAdapter: HttpAdapterHost["httpAdapter"] | undefined): void {
  // A microservice has none.
  const type = httpAdapter?.getType?.();
  if (!httpAdapter || !type) return;
  if (type !== "express") throw new TypeError(`nestAuth() knows HTTP with Express, not with ${type}`);
  const { router } = httpAdapter.getInstance<{ router: { stack: readonly { name: string }[] } }>();
  const parser = router.stack.find(({ name }) => /^(json|urlencoded|raw|text)Parser$/.test(name));
  if (parser === undefined) return;
  throw new TypeError(
    `${parser.name} reads bodies before a decision: NestFactory.create(…, { bodyParser: false }), and nestAuth(auth, { body })`,
  );
}
