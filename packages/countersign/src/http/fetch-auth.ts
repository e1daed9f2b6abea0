import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Peer } from "../core/call.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";
import { errorResponse, unlessLeft, watching, withCors } from "./fetch-answer.ts";
import { corsRequest, FetchCall, isAmbiguous } from "./fetch-call.ts";
import { FetchTrail } from "./fetch-trail.ts";
import { type HttpAuthOptions, HttpDoor } from "./http-door.ts";
import { denialError, malformedTarget, notServed } from "./json-error.ts";
import { type RouteParams, RouteTable } from "./route-table.ts";

export interface FetchAuthOptions<P extends Principal, U extends UserAccount> extends HttpAuthOptions<P, U> {
  /** Who is on the other end, as far as the platform tells. Default: nobody knows. Only of what the platform itself says. */
  readonly peer?: (request: Request, ...platform: readonly unknown[]) => Peer;
}

/** Answers an admitted request. `platform`: what the server hands over beside the request, such as `env` in a worker. */
export type FetchHandler<P extends Principal, U extends UserAccount> = (
  request: Request,
  context: CallContext<P, U>,
  params: RouteParams,
  ...platform: readonly never[]
) => Response | Promise<Response>;

/** A rule, and what is behind it. */
export interface FetchRoute<P extends Principal, U extends UserAccount> extends RouteRule<P> {
  readonly handle: FetchHandler<P, U>;
}

export type FetchListener = (request: Request, ...platform: readonly unknown[]) => Promise<Response>;

/** Authentication for handlers of the Fetch standard: Deno, Bun, workers, and Node behind an adapter. */
export interface FetchAuth<P extends Principal, U extends UserAccount> {
  /**
   * Guarded routes, by `METHOD /path/:name`, as what `Deno.serve`, `Bun.serve` and workers call `fetch`. Throws a `TypeError`
   * that names a route for which there is no rule. HEAD is answered as GET, and any other method refused.
   */
  handler(routes: Readonly<Record<string, FetchRoute<P, U>>>): FetchListener;
  /** One guarded route, for routers of others. The rule belongs to the route's name, whatever the URL says. */
  route(
    name: `${string} /${string}`,
    route: FetchRoute<P, U>,
  ): (request: Request, params?: RouteParams, ...platform: readonly unknown[]) => Promise<Response>;
}

/** Guards `fetch` handlers with an `Auth`. Its only need of Node is `AsyncLocalStorage`, which all of these platforms have. */
export function fetchAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: FetchAuthOptions<P, U> = {},
): FetchAuth<P, U> {
  const door = new HttpDoor<P, U>(auth, options, ["peer"]);

  async function answer(
    procedure: string,
    handle: FetchHandler<P, U>,
    [request, params, ...platform]: readonly [Request, RouteParams, ...unknown[]],
  ): Promise<Response> {
    let trail: FetchTrail<P> | undefined;
    try {
      const call = new FetchCall(procedure, request, options.peer?.(request, ...platform));
      trail = new FetchTrail(door.follow(call, request), request);
      const admission = await unlessLeft(door.admit(call, request), request);
      if (admission === undefined) return trail.unheard();
      if (!admission.ok) return trail.failed(denialError(admission.denial));
      const { context } = admission;
      const watched = watching((end) => door.watch(admission, request, end));
      try {
        const response = await door.enter(admission, request, () =>
          handle(request, context, params, ...(platform as never[])),
        );
        return trail.answered(response, watched);
      } catch (thrown) {
        watched.stop();
        throw thrown;
      }
    } catch (thrown) {
      const error = door.failure(thrown, procedure, request);
      return trail === undefined ? errorResponse(error) : trail.failed(error);
    }
  }

  return Object.freeze({
    handler(routes: Readonly<Record<string, FetchRoute<P, U>>>): FetchListener {
      const table = new RouteTable<readonly [string, FetchHandler<P, U>]>();
      for (const [name, { handle, ...rule }] of Object.entries(routes)) {
        table.add(name, [name, handle]);
        door.declare(name, rule);
      }
      return async (request, ...platform) => {
        if (isAmbiguous(request)) return errorResponse(malformedTarget);
        const cors = door.cors(corsRequest(request));
        if (cors.preflight) return withCors(new Response(null, { status: 204 }), cors);
        const found = table.find(request.method, new URL(request.url).pathname);
        if (found.kind !== "route") return withCors(errorResponse(notServed(found)), cors);
        const [name, handle] = found.value;
        return withCors(await answer(name, handle, [request, found.params, ...platform]), cors);
      };
    },
    route(name: `${string} /${string}`, { handle, ...rule }: FetchRoute<P, U>) {
      door.declare(name, rule);
      return async (request: Request, params: RouteParams = {}, ...platform: readonly unknown[]) => {
        if (isAmbiguous(request)) return errorResponse(malformedTarget);
        const cors = door.cors(corsRequest(request));
        return withCors(await answer(name, handle, [request, params, ...platform]), cors);
      };
    },
  });
}
