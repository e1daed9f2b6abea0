import type {
  FastifyInstance,
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  RouteOptions,
} from "fastify";
import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { andThen } from "../core/decision.ts";
import { denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";
import { followAnswer } from "./follow-response.ts";
import { HttpCall } from "./http-call.ts";
import { type Admission, type HttpAuthOptions, HttpDoor } from "./http-door.ts";
import { denialError, type JsonError } from "./json-error.ts";
import { cutOff, leaveUnread } from "./node-answer.ts";
import { answerFirst } from "./node-first.ts";
import { type SecurityScheme, securityOf } from "./openapi.ts";
import { watchUntilClosed } from "./until-closed.ts";

/** Authentication for Fastify 5. */
export interface FastifyAuth<P extends Principal, U extends UserAccount> {
  /**
   * `await app.register(guard.plugin)`, before any route: from then on every route of this scope and those below it needs a
   * rule, and registering one without throws a `TypeError`. A route that was there before is refused to everyone.
   */
  readonly plugin: FastifyPluginCallback;
  /** What a route says: `app.get("/me", guard.rule({ guards: [isStaff] }), handler)`; or among its options, `config: guard.rule(…).config`. */
  rule(rule: RouteRule<P>): { readonly config: object };
  /** The context of a request, inside its handler. Also `request.getDecorator("context")`. */
  context(request: FastifyRequest): CallContext<P, U>;
  /** The caller. Undefined where the rule let an anonymous call through. */
  principal(request: FastifyRequest): P | undefined;
  /** For OpenAPI's `components`: grows with the routes, each of which says `security` in its schema. */
  readonly securitySchemes: Readonly<Record<string, SecurityScheme>>;
}

const ruleKey = Symbol("countersign: rule");
const procedureKey = Symbol("countersign: procedures");

/** What stands in a route's configuration. */
interface RouteConfig<P> {
  readonly [ruleKey]?: RouteRule<P>;
  /** By method. */
  readonly [procedureKey]?: ReadonlyMap<string, string>;
}

/** Guards Fastify with an `Auth`. */
export function fastifyAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: HttpAuthOptions<P, U> = {},
): FastifyAuth<P, U> {
  const door = new HttpDoor<P, U>(auth, options);
  const securitySchemes: Record<string, SecurityScheme> = {};
  const declared = new Set<string>();

  function declareRoute(route: RouteOptions): void {
    const config = (route.config ?? {}) as RouteConfig<P>;
    // A `config` beside what guard.rule() gave has taken the place of ours.
    const rule = config[ruleKey] ?? (route as RouteConfig<P>)[ruleKey] ?? {};
    const procedures = new Map<string, string>();
    for (const method of [route.method].flat()) {
      // Fastify makes a route for HEAD beside each for GET, with the same configuration.
      const asGet = `GET ${route.url}`;
      const name = method === "HEAD" && declared.has(asGet) ? asGet : `${method} ${route.url}`;
      if (name !== asGet || method === "GET") door.declare(name, rule, true);
      declared.add(name);
      procedures.set(method, name);
    }
    route.config = Object.assign({}, route.config, { [procedureKey]: procedures });
    const [[, first = ""] = []] = procedures;
    const { security, schemes } = securityOf(auth, first, securitySchemes);
    Object.assign(securitySchemes, schemes);
    route.schema = { security, ...(route.schema as object) } as NonNullable<RouteOptions["schema"]>;
  }

  const install: FastifyPluginCallback = (app, _options, done) => {
    const taken = ["context", "user"].filter((name) => app.hasRequestDecorator(name));
    if (taken.length > 0) return done(new TypeError(already(taken.join(", "))));
    decorate(app, door);
    if (options.cors !== undefined) app.addHook("onSend", keepVary);
    app.addHook("onRoute", declareRoute);
    app.addHook("onRequest", decideFirst(door));
    app.addHook("preHandler", handleInCall(door));
    app.setErrorHandler((error: { readonly statusCode?: number } | null | undefined, request, reply) => {
      // Fastify's own words for a body that it cannot read or that is not as the schema says.
      if (typeof error?.statusCode === "number" && error.statusCode < 500) return reply.send(error);
      return send(reply, door.failure(error, `${request.method} ${request.routeOptions.url ?? ""}`, request));
    });
    done();
  };

  return Object.freeze({
    // Without a scope of its own, as fastify-plugin does it.
    plugin: Object.assign(install, { [Symbol.for("skip-override")]: true }),
    rule: (rule: RouteRule<P>) => ({ config: { [ruleKey]: rule }, [ruleKey]: rule }),
    context: (request: FastifyRequest) => door.context(request),
    principal: (request: FastifyRequest) => door.context(request).principal,
    securitySchemes,
  });
}

const already = (names: string): string =>
  `requests have a decorator of another plugin already: ${names}. Give that one another name there (@fastify/jwt: decoratorName)`;

/** What a handler says an answer varies by stands beside what CORS has said, and not in its place. */
function keepVary(
  _request: FastifyRequest,
  reply: FastifyReply,
  _payload: unknown,
  done: (error: null) => void,
): void {
  const said = reply.raw.getHeader("vary");
  const own = reply.getHeader("vary");
  if (said !== undefined && own !== said) reply.header("vary", `${String(own)}, ${String(said)}`);
  done(null);
}

/** A request that was admitted, until its handler runs. */
const admissions = new WeakMap<FastifyRequest, unknown>();

function decorate<P extends Principal, U extends UserAccount>(
  app: FastifyInstance,
  door: HttpDoor<P, U>,
): void {
  app.decorateRequest("context", {
    getter(this: FastifyRequest) {
      return door.context(this);
    },
  } as never);
  app.decorateRequest("user", {
    getter(this: FastifyRequest) {
      return door.context(this).user();
    },
  } as never);
}

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** Before anything of the body is read. */
function decideFirst<P extends Principal, U extends UserAccount>(door: HttpDoor<P, U>): OnRequest {
  return (request, reply, done) => {
    if (answerFirst(door.cors, request.raw, reply.raw)) {
      reply.hijack();
      return;
    }
    if (request.is404) return done();
    const config = request.routeOptions.config as RouteConfig<P>;
    const procedure = config[procedureKey]?.get(request.method);
    if (procedure === undefined) {
      refuse(request, reply, denialError(denial("PERMISSION_DENIED")));
      return;
    }
    const call = new HttpCall("http", procedure, request.raw);
    followAnswer(door.follow(call, request), reply.raw);
    void andThen(door.admit(call, request), (admission) => {
      if (!admission.ok) return refuse(request, reply, denialError(admission.denial));
      admissions.set(request, admission);
      const { socket } = request.raw;
      // Not its header, which asks for less where nobody listens.
      const { upgrade: upgraded = false } = request.raw as { readonly upgrade?: boolean };
      const end = (): unknown => (upgraded ? socket.destroy() : cutOff(reply.raw));
      if (watchUntilClosed(upgraded ? socket : reply.raw, () => door.watch(admission, request, end))) done();
      else reply.hijack();
    });
  };
}

/** Once the body is there. What comes before has no call of its own: bodies are read from the connection. */
function handleInCall<P extends Principal, U extends UserAccount>(door: HttpDoor<P, U>): OnRequest {
  return (request, reply, done) => {
    const admission = admissions.get(request) as Admission<P, U> | undefined;
    if (admission === undefined) return done();
    const enter = (): void => door.enter(admission, request, done);
    if (!door.needsRequest(admission.context.call.procedure)) return enter();
    const { params, query, body } = request;
    const message = { params: params as Record<string, string>, query: query as object, body };
    void andThen(door.judge(admission, request, message as never), (last) =>
      last.ok ? enter() : send(reply, denialError(last.denial)),
    );
  };
}

function refuse(request: FastifyRequest, reply: FastifyReply, error: JsonError): void {
  leaveUnread(request.raw, reply.raw);
  send(reply, error);
}

function send(reply: FastifyReply, { status, headers, body }: JsonError): FastifyReply {
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  return reply.code(status).header("cache-control", "no-store").type("application/json").send(body);
}
