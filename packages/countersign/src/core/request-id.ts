const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Random bytes are had in portions: asking for ten at a time costs more than all else here. */
const pool = new Uint8Array(4096);
const bytesOfOne = 10;
let used = pool.length;

/** A new id: a UUID of version 7 (RFC 9562 section 5.7), so that ids in an index stand in the order of time. */
export function newRequestId(now: number = Date.now()): string {
  if (used + bytesOfOne > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const at = used;
  used += bytesOfOne;
  const time = now.toString(16).padStart(12, "0");
  const version = 0x70 | (byteAt(at) & 0x0f);
  const variant = 0x80 | (byteAt(at + 2) & 0x3f);
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-${hex[version]}${hex[byteAt(at + 1)]}-${hex[variant]}${hex[byteAt(at + 3)]}-` +
    `${hex[byteAt(at + 4)]}${hex[byteAt(at + 5)]}${hex[byteAt(at + 6)]}${hex[byteAt(at + 7)]}${hex[byteAt(at + 8)]}${hex[byteAt(at + 9)]}`
  );
}

function byteAt(index: number): number {
  return pool[index] ?? 0;
}

/** The header in which a request's id comes and goes, in gRPC's metadata as over HTTP. */
export const requestIdHeader = "x-request-id";

/**
 * 8 to 64 characters that mean nothing to a log, a shell or a spreadsheet, and are too few for one of our keys or
 * tokens that somebody has put there by mistake.
 */
const wellFormed = /^[A-Za-z0-9][A-Za-z0-9.:=-]{7,63}$/;

/**
 * The id of a request: the one that came with it, if it came once and is well-formed; else a new one. A caller may say
 * what it likes, so that an id proves nothing, and two requests may have the same.
 */
export function requestIdOf(received: readonly string[]): string {
  const [id, ...others] = received;
  return id !== undefined && others.length === 0 && wellFormed.test(id) ? id : newRequestId();
}
