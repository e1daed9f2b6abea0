import type { Context, Hono, MiddlewareHandler } from "hono";
import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Peer } from "../core/call.ts";
import { denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";
import { errorResponse, unlessLeft, watching, withCors } from "./fetch-answer.ts";
import { corsRequest, FetchCall, isAmbiguous } from "./fetch-call.ts";
import { FetchTrail } from "./fetch-trail.ts";
import { Passages } from "./hono-passage.ts";
import { guardedRoutes } from "./hono-routes.ts";
import { type Admission, type HttpAuthOptions, HttpDoor } from "./http-door.ts";
import { denialError, failureError, type JsonError, malformedTarget, plainError } from "./json-error.ts";
import { type Closing, isClosed } from "./until-closed.ts";

export interface HonoAuthOptions<P extends Principal, U extends UserAccount> extends HttpAuthOptions<P, U> {
  /** Who is on the other end, as far as the platform tells. Default: nobody knows. */
  readonly peer?: (context: Context) => Peer;
}

/** What handlers behind a guard find: `c.var.context`. */
export interface HonoGuarded<P extends Principal, U extends UserAccount> {
  readonly Variables: { readonly context: CallContext<P, U> };
}

/** Authentication for Hono. */
export interface HonoAuth<P extends Principal, U extends UserAccount> {
  /** The first handler of a route: `app.get("/me", guard.route({ guards: [isStaff] }), handler)`. One for each route. */
  route(rule?: RouteRule<P>): MiddlewareHandler<HonoGuarded<P, U>>;
  /**
   * An app with all its routes, ready to be served: `export default guard.protect(app)`. Throws a `TypeError` for a route that
   * does not begin with a guard, and for one without a rule; a route that is added later closes the app. Middleware (`app.use`)
   * runs before guards where it was registered before them, and is the app's own; a guard may stand first there, too. What it
   * or a mounted app answers that no guard admitted is not sent, unless it is a refusal or has no body.
   */
  protect(app: Pick<Hono, "routes" | "fetch" | "onError">): {
    readonly fetch: (request: Request, ...platform: readonly unknown[]) => Promise<Response>;
  };
}

/** Guards a Hono app with an `Auth`. It needs nothing of Node's but `AsyncLocalStorage`. */
export function honoAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: HonoAuthOptions<P, U> = {},
): HonoAuth<P, U> {
  const door = new HttpDoor<P, U>(auth, options, ["peer"]);
  const rules = new Map<unknown, RouteRule<P>>();
  /** The names of routes, by the guards that stand before them. */
  const procedures = new Map<unknown, string>();
  const passages = new Passages();

  return Object.freeze({
    route(rule: RouteRule<P> = {}) {
      const guard: MiddlewareHandler<HonoGuarded<P, U>> = async (c, next) => {
        const procedure = procedures.get(guard);
        // Nobody has asked protect() about this route.
        if (procedure === undefined) return errorResponse(denialError(denial("PERMISSION_DENIED")));
        const request = c.req.raw;
        const call = new FetchCall(procedure, request, options.peer?.(c));
        const trail = new FetchTrail(door.follow(call, request), request);
        const admission = await unlessLeft(door.admit(call, request), request);
        if (admission === undefined) return trail.unheard();
        if (!admission.ok) return trail.failed(denialError(admission.denial));
        if (door.needsRequest(procedure)) {
          const refusal = await judge(door, admission, c);
          if (refusal !== undefined) return trail.failed(refusal);
        }
        c.set("context", admission.context);
        passages.admitted();
        return serve(door, { admission, trail }, c, next);
      };
      rules.set(guard, rule);
      return guard;
    },
    protect(app: Pick<Hono, "routes" | "fetch" | "onError">) {
      const guarded = guardedRoutes(app.routes, rules);
      for (const [guard, procedure] of guarded.procedures) {
        door.declare(procedure, rules.get(guard) ?? {}, true);
        procedures.set(guard, procedure);
      }
      const { length: known } = app.routes;
      /** The app's answer, if it may be sent. */
      async function answered(request: Request, platform: readonly unknown[]): Promise<Response> {
        if (app.routes.length !== known) throw new TypeError("routes were added after guard.protect(app)");
        const ask = () => app.fetch(request, ...(platform as []));
        return guarded.isMixed ? passages.through(request, ask) : ask();
      }
      hideErrors(app, (error, c) =>
        errorResponse(door.failure(error, `${c.req.method} ${c.req.path}`, c.req.raw)),
      );
      return {
        async fetch(request: Request, ...platform: readonly unknown[]): Promise<Response> {
          if (isAmbiguous(request)) return errorResponse(malformedTarget);
          const cors = door.cors(corsRequest(request));
          if (cors.preflight) return withCors(new Response(null, { status: 204 }), cors);
          try {
            return withCors(await answered(request, platform), cors);
          } catch (thrown) {
            // Hono hands on what is no Error.
            return withCors(errorResponse(door.failure(thrown, request.method, request)), cors);
          }
        },
      };
    },
  });
}

/** The rule's last word, on what was asked for. Undefined: the handler may run. */
async function judge<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  admission: Admission<P, U>,
  { req }: Context,
): Promise<JsonError | undefined> {
  let body: unknown;
  // Hono remembers what it has read, and the handler reads it again.
  if (/^application\/json\s*(;|$)/i.test(req.header("content-type") ?? "")) {
    try {
      body = await req.json();
    } catch {
      return plainError(400, "invalid_argument", "The body is not JSON");
    }
  }
  const query = Object.fromEntries(
    Object.entries(req.queries()).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
  const last = await door.judge(admission, req.raw, { params: req.param(), query, body });
  return last.ok ? undefined : denialError(last.denial);
}

/** Node's response behind a call, where Hono's own server for Node hands it over. */
interface Outgoing extends Closing {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  once(event: "finish" | "close", listener: () => void): unknown;
  destroy(): unknown;
}

/** A request that was admitted, and what is told of its end. */
interface Served<P extends Principal, U extends UserAccount> {
  readonly admission: Admission<P, U>;
  readonly trail: FetchTrail<P>;
}

/** Runs the handlers in their call. An answer that goes on ends when its caller no longer may. */
async function serve<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  { admission, trail }: Served<P, U>,
  c: Context,
  next: () => Promise<void>,
): Promise<Response | undefined> {
  const { outgoing } = (c.env ?? {}) as { readonly outgoing?: Outgoing };
  const { raw: request } = c.req;
  if (outgoing !== undefined && isClosed(outgoing)) return trail.unheard();
  const watched = watching((end) => door.watch(admission, request, end));
  outgoing?.once("close", () => {
    watched.stop();
    trail.left();
  });
  try {
    await door.enter(admission, request, next);
  } catch (thrown) {
    watched.stop();
    trail.ended(failureError(thrown).status);
    throw thrown;
  }
  const known = c.error === undefined ? undefined : door.refusal(c.error, request);
  if (known !== undefined) c.res = errorResponse(known);
  // A stream of the Fetch standard costs more than a decision.
  if (outgoing === undefined) {
    c.res = trail.answered(c.res, watched);
    return undefined;
  }
  const { status } = c.res;
  c.res = trail.name(c.res);
  outgoing.once("finish", () => trail.ended(status));
  watched.onEnd(() => {
    if (isClosed(outgoing)) return;
    // What has not begun, or is on its way as a whole, may go out; not more than that.
    if (outgoing.headersSent && !outgoing.writableEnded) outgoing.destroy();
    else setTimeout(() => outgoing.destroy(), graceMs);
  });
  return undefined;
}

const graceMs = 1000;

/** Hono's own way to answer an error writes to the console. An app that has its own keeps it. */
function hideErrors(
  app: Pick<Hono, "onError">,
  answer: (error: Error, c: Context) => Response | Promise<Response>,
): void {
  type Handling = { readonly errorHandler?: unknown };
  const fresh = new (app.constructor as new () => Handling)();
  if ((app as Handling).errorHandler !== fresh.errorHandler) return;
  app.onError((error, c) => ("getResponse" in error ? error.getResponse() : answer(error, c)));
}
