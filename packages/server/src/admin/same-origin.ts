import type { IncomingMessage } from "node:http";

/**
 * Does a page of this very origin ask? Browsers say so in `Sec-Fetch-Site` wherever the origin is trustworthy
 * (W3C Fetch Metadata), and in `Origin` with every request that is not GET or HEAD. Who says neither is no browser.
 */
export function isSameOrigin({ headersDistinct }: IncomingMessage): boolean {
  const site = headersDistinct["sec-fetch-site"];
  if (site !== undefined) return site.length === 1 && site[0] === "same-origin";
  const [origin = "", ...more] = headersDistinct["origin"] ?? [];
  const host = headersDistinct["host"]?.[0];
  return more.length === 0 && host !== undefined && URL.parse(origin)?.host === host;
}
