import type { Express, Request, RequestHandler, Response } from "express";
import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { andThen, type MaybePromise } from "../core/decision.ts";
import type { Denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import {
  type ExpressRouterOptions,
  type ExpressRoutes,
  expressRoutes,
  requireGuards,
} from "./express-routes.ts";
import { followAnswer } from "./follow-response.ts";
import { HttpCall } from "./http-call.ts";
import { type Admission, type HttpAuthOptions, HttpDoor } from "./http-door.ts";
import { denialError, type JsonError, notServed, plainError } from "./json-error.ts";
import { cutOff, sendError } from "./node-answer.ts";
import { answerFirst } from "./node-first.ts";
import { watchUntilClosed } from "./until-closed.ts";

/** Authentication for Express 5. */
export interface ExpressAuth<P extends Principal, U extends UserAccount> {
  /** A router in which every route has a rule: `app.use(api)`. Registering one without throws a `TypeError`. */
  router(options?: ExpressRouterOptions): ExpressRoutes<P, U>;
  /**
   * An app as a listener: `http.createServer(guard.listener(app))`. Throws a `TypeError` for routes of the app that no guard
   * stands before, and for bodies that would be read before a decision; what is added later and would do so closes the app.
   * What no route answers is 404, and errors are hidden. Other middleware of the app runs before guards, and is the app's own.
   */
  listener(app: Express): (request: unknown, response: unknown) => void;
  /** The context of a request, inside its handler. */
  context(request: Request): CallContext<P, U>;
  /** The caller. Undefined where the rule let an anonymous call through. */
  principal(request: Request): P | undefined;
}

/** Guards an Express app with an `Auth`. */
export function expressAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: HttpAuthOptions<P, U> = {},
): ExpressAuth<P, U> {
  const door = new HttpDoor<P, U>(auth, options);
  return Object.freeze({
    context: (request: Request) => door.context(request),
    principal: (request: Request) => door.context(request).principal,
    router: (given: ExpressRouterOptions = {}) =>
      expressRoutes<P, U>(given, {
        declare: (procedure, rule, decoded) => door.declare(procedure, rule, decoded),
        gate: (procedure, body) => gateOf(door, procedure, body),
        first: (request, response) => answerFirst(door.cors, request, response),
        thrown: (error, request, response, next) => {
          const known = door.refusal(error, request);
          if (known === undefined) next(error);
          else sendError(request, response, known);
        },
      }),
    listener(app: Express) {
      const requireSame = requireGuards(app);
      return (request: unknown, response: unknown) => {
        const [asked, answer] = [request as Request, response as Response];
        try {
          requireSame();
        } catch (thrown) {
          sendError(asked, answer, door.failure(thrown, "an Express app", asked));
          return;
        }
        app(asked, answer, (error?: unknown) => {
          const told = error === undefined ? notServed({ kind: "nothing" }) : failed(door, error, asked);
          sendError(asked, answer, told);
        });
      };
    },
  });
}

/** Decides, reads the body if somebody wants it, asks the rule about it, and lets the handlers run in their call. */
function gateOf<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  procedure: string,
  body: RequestHandler | undefined,
): RequestHandler {
  const judged = door.needsRequest(procedure);
  // What it returns is waited for, and a rejection is told to `next`.
  return function countersign(request, response, next) {
    const call = new HttpCall("http", procedure, request);
    followAnswer(door.follow(call, request), response);
    return andThen(door.admit(call, request), (admission) => {
      if (!admission.ok) return refuse(admission.denial);
      if (!watchUntilClosed(response, () => door.watch(admission, request, () => cutOff(response)))) return;
      if (body === undefined) return judge(admission);
      return body(request, response, (error?: unknown) =>
        error === undefined ? judge(admission) : next(error),
      ) as MaybePromise<void>;
    });

    function judge(admission: Admission<P, U>): MaybePromise<void> {
      if (!judged) return enter(admission);
      const { params, query, body: parsed } = request;
      const message = { params: params as Record<string, string>, query, body: parsed };
      return andThen(door.judge(admission, request, message), (last) =>
        last.ok ? enter(admission) : refuse(last.denial),
      );
    }

    function refuse(denial: Denial): void {
      sendError(request, response, denialError(denial));
    }

    function enter(admission: Admission<P, U>): void {
      const { context } = admission;
      Object.defineProperties(request, {
        context: { value: context, configurable: true },
        user: { get: () => context.user(), configurable: true },
      });
      door.enter(admission, request, () => next());
    }
  };
}

/** What came past every handler: errors of middleware that are the caller's own, as those of body parsers, and all others. */
function failed<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  error: unknown,
  request: Request,
): JsonError {
  const { method, path } = request;
  const { status, expose } = (error ?? {}) as { readonly status?: unknown; readonly expose?: unknown };
  // The router's own, for a path that cannot be decoded.
  const isPath = error instanceof URIError && status === 400;
  if ((expose === true || isPath) && typeof status === "number" && status >= 400 && status < 500)
    return plainError(
      status,
      status === 413 ? "resource_exhausted" : "invalid_argument",
      "The request cannot be read",
    );
  return door.failure(error, `${method} ${path}`, request);
}
