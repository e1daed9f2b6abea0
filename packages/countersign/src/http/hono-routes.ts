/** A handler as Hono lists it: middleware, and those of `all()` and `mount()`, have the method ALL. */
interface HonoRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: unknown;
}

/** What protects an app. */
export interface GuardedRoutes {
  /** The guards, and the names of the routes that they stand before. */
  readonly procedures: ReadonlyMap<unknown, string>;
  /** Is there middleware before guards? It may answer, or be what was mounted: Hono does not tell these apart. */
  readonly isMixed: boolean;
}

/**
 * Throws a `TypeError` for a route that does not begin with a guard, for a guard that stands before several, and for a handler
 * of all methods that can only answer, since it takes no `next`, and that no guard stands before.
 */
export function guardedRoutes(
  routes: readonly HonoRoute[],
  guards: ReadonlyMap<unknown, unknown>,
): GuardedRoutes {
  const procedures = new Map<unknown, string>();
  const begun = new Set<string>();
  const bare: string[] = [];
  /** What stands before the star of a guard's path: all below is behind it. */
  const below: string[] = [];
  let isMixed = false;
  for (const { method, path, handler } of routes) {
    const procedure = `${method} ${path}`;
    const isFirst = !begun.has(procedure);
    begun.add(procedure);
    if (guards.has(handler)) {
      if (procedures.has(handler)) throw new TypeError(shared(procedures.get(handler), procedure));
      if (!isFirst && method !== "ALL") throw new TypeError(`the guard of ${procedure} does not stand first`);
      procedures.set(handler, procedure);
      if (method === "ALL" && path.endsWith("/*")) below.push(path.slice(0, -1));
      continue;
    }
    if (!isFirst) continue;
    if (method !== "ALL") bare.push(procedure);
    else if (below.some((prefix) => path.startsWith(prefix))) continue;
    else if ((handler as { readonly length: number }).length === 1) bare.push(procedure);
    else isMixed = true;
  }
  if (bare.length > 0)
    throw new TypeError(
      `no guard stands before ${bare.join(", ")}: begin with guard.route(), also for routes that are open`,
    );
  return { procedures, isMixed };
}

const shared = (one: string | undefined, other: string): string =>
  `one guard stands before ${one} and ${other}: call guard.route() for each; app.on() with several methods or paths, and a router that is mounted twice, become several routes`;
