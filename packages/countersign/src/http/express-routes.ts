import {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from "express";
import type { CallContext } from "../context/call-context.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";

/** What a request has that has passed its guard. */
export interface Guarded<P extends Principal, U extends UserAccount> {
  /** Who calls, and the means to ask for more or to refuse. */
  readonly context: CallContext<P, U>;
  /** The caller's account: read when it is first asked for. */
  readonly user: Promise<U | undefined>;
}

/** What stands between a path and its handlers. */
export interface ExpressRule<P extends Principal> extends RouteRule<P> {
  /** Reads the body of an admitted request, as `express.json()`. Default: that of the router. */
  readonly body?: RequestHandler;
}

export type ExpressHandler<P extends Principal, U extends UserAccount> = (
  request: Request & Guarded<P, U>,
  response: Response,
  next: NextFunction,
) => unknown;

export interface ExpressRouterOptions {
  /** Stands before each path, and belongs to the name of each route: mount the router at the root. Default: none. */
  readonly prefix?: string;
  /** Reads bodies once a request is admitted, as `express.json()`. Default: none is read. */
  readonly body?: RequestHandler;
}

/** Registers handlers, behind the rule that stands before them or else the one of the door. */
export interface RegisterRoute<P extends Principal, U extends UserAccount> {
  (path: string, rule: ExpressRule<P>, ...handlers: readonly ExpressHandler<P, U>[]): void;
  (path: string, ...handlers: readonly ExpressHandler<P, U>[]): void;
}

const methods = ["get", "post", "put", "patch", "delete", "head", "options", "all"] as const;
type Method = (typeof methods)[number];

/** A router whose routes have rules, as `GET /path`; those of `all()` as `ALL /path`. */
export type ExpressRoutes<P extends Principal, U extends UserAccount> = RequestHandler &
  Readonly<Record<Method, RegisterRoute<P, U>>>;

/** What a router asks of the door that it belongs to. */
export interface ExpressGuard<P extends Principal> {
  readonly declare: (procedure: string, rule: RouteRule<P>, decoded: boolean) => void;
  readonly gate: (procedure: string, body: RequestHandler | undefined) => RequestHandler;
  /** Looks at each request before its route does. True: it is answered. */
  readonly first: (request: Request, response: Response) => boolean;
  /** Answers what a handler threw, or hands it on. */
  readonly thrown: ErrorRequestHandler;
}

/** Methods whose requests have no body that matters: a rule about the request sees the rest. */
const bodiless: ReadonlySet<Method> = new Set(["get", "head", "delete", "options"]);

/** Routes that a guard stands before. */
const guarded = new WeakSet<object>();

export function expressRoutes<P extends Principal, U extends UserAccount>(
  { prefix = "", body: standard }: ExpressRouterOptions,
  { declare, gate, first, thrown }: ExpressGuard<P>,
): ExpressRoutes<P, U> {
  const inner = Router({ strict: true, caseSensitive: true });

  function register(method: Method, path: string, given: readonly unknown[]): void {
    const [rule, handlers] = ruleAndHandlers<P, U>(given);
    if (!path.startsWith("/")) throw new TypeError(`"${path}" is no path: write "/path/:name"`);
    if (handlers.length === 0) throw new TypeError(`${method.toUpperCase()} ${path} has no handler`);
    const procedure = `${method.toUpperCase()} ${prefix}${path}`;
    const body = rule.body ?? standard;
    declare(procedure, rule, body !== undefined || bodiless.has(method));
    const route = inner.route(prefix + path);
    route[method](gate(procedure, body), ...(handlers as unknown as RequestHandler[]), thrown);
    // Express would answer OPTIONS by itself.
    if (method !== "options" && method !== "all") route.options(toNextRoute);
    guarded.add(route);
  }

  const routes: RequestHandler = (request, response, next) => {
    if (!first(request, response)) inner(request, response, next);
  };
  const registrars = methods.map((method) => [
    method,
    (path: string, ...given: readonly unknown[]) => register(method, path, given),
  ]);
  return Object.assign(routes, Object.fromEntries(registrars), { stack: inner.stack });
}

const toNextRoute: RequestHandler = (_request, _response, next) => next("route");

function ruleAndHandlers<P extends Principal, U extends UserAccount>(
  given: readonly unknown[],
): readonly [ExpressRule<P>, readonly ExpressHandler<P, U>[]] {
  const [first, ...rest] = given;
  const [rule, handlers] = typeof first === "function" ? [{}, given] : [first, rest];
  if (typeof rule !== "object" || rule === null || handlers.some((handler) => typeof handler !== "function"))
    throw new TypeError("a route takes a path, a rule and handlers");
  return [rule, handlers as readonly ExpressHandler<P, U>[]];
}

/** As far as Express shows what was registered. */
interface Layer {
  readonly route?: { readonly path: unknown } | undefined;
  readonly name: string;
  readonly handle: { readonly stack?: readonly Layer[] };
}

type Stack = readonly Layer[];

/**
 * Throws a `TypeError` for what would be answered, or read, before a decision. What it returns looks again if anything was
 * added since.
 */
export function requireGuards(app: Express): () => void {
  let known = checked(app);
  return () => {
    if (known.some(([stack, length]) => stack.length !== length)) known = checked(app);
  };
}

/** All lists of an app in which routes may appear, and how long they are. */
function checked(app: Express): readonly (readonly [Stack, number])[] {
  const { stack } = app.router as unknown as { readonly stack: Stack };
  const problems = stack.flatMap(problemsOf);
  if (problems.length > 0) throw new TypeError(problems.join("; "));
  return stacksOf(stack).map((each) => [each, each.length]);
}

function stacksOf(stack: Stack): readonly Stack[] {
  return [
    stack,
    ...stack.flatMap(({ handle }) => (handle.stack === undefined ? [] : stacksOf(handle.stack))),
  ];
}

function problemsOf({ route, name, handle }: Layer): readonly string[] {
  if (route !== undefined)
    return guarded.has(route)
      ? []
      : [`no guard stands before ${String(route.path)}: register it with guard.router()`];
  if (name === "mounted_app") return ["nothing is known of a mounted app: use its routers"];
  // The names that Express's own parsers have.
  if (/^(json|urlencoded|raw|text)Parser$/.test(name))
    return [`${name} reads bodies before a decision: hand it to guard.router({ body })`];
  return handle.stack?.flatMap(problemsOf) ?? [];
}
