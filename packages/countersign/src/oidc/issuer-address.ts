/** Whether an issuer may be on this machine. */
export interface AddressRules {
  /** Loopback addresses, and `http` to them. Default: neither. */
  readonly allowLoopback?: boolean | undefined;
}

/**
 * An address of an issuer: `https`, without credentials and without a fragment. A TypeError for anything else, also
 * for this machine: a provider's document must not lead us to our own services.
 */
export function requireAddress(text: unknown, what: string, { allowLoopback = false }: AddressRules): URL {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new TypeError(`${what} is no URL`);
  if (url.username !== "" || url.password !== "" || url.hash !== "")
    throw new TypeError(`${what} has credentials or a fragment`);
  const local = isLoopbackHost(url.hostname);
  if (local && !allowLoopback) throw new TypeError(`${what} is on this machine, which is not allowed`);
  if (url.protocol !== "https:" && !(local && url.protocol === "http:"))
    throw new TypeError(`${what} does not begin with https:`);
  return url;
}

/** An issuer's own name: such an address without a query (OpenID Connect Core 1.0 section 2). */
export function requireIssuerName(text: unknown, rules: AddressRules): string {
  const url = requireAddress(text, "issuer", rules);
  const name = text as string;
  // The bar and the hash sign stand between issuer and subject where the two become one id.
  if (url.search !== "" || name.includes("?") || name.includes("|") || /[\s\p{Cc}]/u.test(name))
    throw new TypeError("issuer has a query, white space, or one of ? |");
  return name;
}

function isLoopbackHost(host: string): boolean {
  const name = host.replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost") || name === "0.0.0.0") return true;
  return /^127\.\d+\.\d+\.\d+$/.test(name) || /^\[(::1?|::ffff:7f[\da-f]{2}:[\da-f]{1,4})\]$/.test(name);
}
