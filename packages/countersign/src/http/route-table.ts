/** Values of the `:names` in a pattern, decoded. */
export type RouteParams = Readonly<Record<string, string>>;

/** What a method and a path lead to. */
export type Found<T> =
  | { readonly kind: "route"; readonly value: T; readonly params: RouteParams }
  | { readonly kind: "other-method"; readonly allow: string }
  | { readonly kind: "nothing" };

interface Entry<T> {
  readonly method: string;
  readonly segments: readonly string[];
  readonly value: T;
}

/**
 * Routes by `METHOD /path/:name`, for servers that have no router of their own. A path is compared segment by segment as it
 * was sent, upper and lower case told apart, with nothing normalised. A literal stands before a name. HEAD finds what GET does.
 */
export class RouteTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #patterns: Entry<T>[] = [];

  /** Throws a `TypeError` for a key that is no route, and for two keys of one shape. */
  add(key: string, value: T): void {
    const [, method = "", path = ""] = /^([A-Z]+) (\/\S*)$/.exec(key) ?? [];
    const segments = path.split("/");
    if (method === "" || segments.some(isMalformed))
      throw new TypeError(`"${key}" is no route: write "GET /path/:name"`);
    const names = segments.filter(isName);
    if (new Set(names).size !== names.length) throw new TypeError(`${key} has one name twice`);
    const twin = this.#patterns.some(
      (entry) => entry.method === method && isSameShape(entry.segments, segments),
    );
    if (twin || this.#exact.has(key)) throw new TypeError(`two routes answer ${key}`);
    if (names.length === 0) this.#exact.set(key, value);
    else {
      this.#patterns.push({ method, segments, value });
      this.#patterns.sort((a, b) => compare(a.segments, b.segments));
    }
  }

  /** `path` is what stands before the question mark. */
  find(method: string, path: string): Found<T> {
    const found = this.#route(method, path) ?? (method === "HEAD" ? this.#route("GET", path) : undefined);
    if (found !== undefined) return found;
    const others = this.#methodsOf(path);
    return others.length === 0 ? { kind: "nothing" } : { kind: "other-method", allow: others.join(", ") };
  }

  #route(method: string, path: string): Found<T> | undefined {
    const exact = this.#exact.get(`${method} ${path}`);
    if (exact !== undefined) return { kind: "route", value: exact, params: {} };
    const segments = path.split("/");
    for (const entry of this.#patterns) {
      const params = entry.method === method ? paramsOf(entry.segments, segments) : undefined;
      if (params !== undefined) return { kind: "route", value: entry.value, params };
    }
    return undefined;
  }

  #methodsOf(path: string): readonly string[] {
    const exact = [...this.#exact.keys()]
      .filter((key) => key.endsWith(` ${path}`))
      .map((key) => key.split(" ", 1)[0]);
    const segments = path.split("/");
    const named = this.#patterns
      .filter((entry) => paramsOf(entry.segments, segments))
      .map((entry) => entry.method);
    const methods = new Set([...exact, ...named].map((method) => method ?? ""));
    if (methods.has("GET")) methods.add("HEAD");
    return [...methods];
  }
}

const isName = (segment: string): boolean => segment.startsWith(":");

function isMalformed(segment: string): boolean {
  return (
    /[*?#]/.test(segment) || isDots(segment) || (segment.includes(":") && !/^:[A-Za-z_]\w*$/.test(segment))
  );
}

/** What a client or a proxy would have resolved. */
function isDots(segment: string): boolean {
  return /^(\.|%2e){1,2}$/i.test(segment);
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): RouteParams | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = Object.create(null);
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (!isName(part)) {
      if (part !== segment) return undefined;
      continue;
    }
    if (segment === "" || isDots(segment)) return undefined;
    try {
      params[part.slice(1)] = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
  }
  return params;
}

function isSameShape(a: readonly string[], b: readonly string[]): boolean {
  return (
    a.length === b.length &&
    a.every((part, index) => part === b[index] || (isName(part) && isName(b[index] ?? "")))
  );
}

/** Literals first, from the left. */
function compare(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const difference = Number(isName(part)) - Number(isName(b[index] ?? ""));
    if (difference !== 0) return difference;
  }
  return 0;
}
