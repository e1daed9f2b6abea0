/** A handler as Hono lists it: middleware, and those of `all()`, have the method ALL. */
interface HonoRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: unknown;
}

/**
 * The guards of an app, and the names of the routes that they stand before. Throws a `TypeError` for a route that does not
 * begin with a guard, and for a guard that stands before several.
 */
export function guardedRoutes(
  routes: readonly HonoRoute[],
  guards: ReadonlyMap<unknown, unknown>,
): ReadonlyMap<unknown, string> {
  const found = new Map<unknown, string>();
  const begun = new Set<string>();
  const bare: string[] = [];
  for (const { method, path, handler } of routes) {
    const procedure = `${method} ${path}`;
    const isFirst = !begun.has(procedure);
    if (guards.has(handler)) {
      if (found.has(handler))
        throw new TypeError(`one guard stands before ${found.get(handler)} and ${procedure}`);
      if (!isFirst && method !== "ALL") throw new TypeError(`the guard of ${procedure} does not stand first`);
      found.set(handler, procedure);
    } else if (isFirst && method !== "ALL") bare.push(procedure);
    begun.add(procedure);
  }
  if (bare.length > 0)
    throw new TypeError(
      `no guard stands before ${bare.join(", ")}: begin with guard.route(), also for routes that are open`,
    );
  return found;
}
