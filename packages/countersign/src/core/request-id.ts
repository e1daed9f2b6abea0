/** The first two groups of an id, which are the same for a millisecond. */
let groupsOf = Number.NaN;
let groups = "";

/** A new id: a UUID of version 7 (RFC 9562 section 5.7), so that ids in an index stand in the order of time. */
export function newRequestId(now: number = Date.now()): string {
  if (now !== groupsOf) {
    const time = now.toString(16).padStart(12, "0");
    groupsOf = now;
    groups = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  // What comes after the version of a random one: 74 random bits, and the variant.
  return groups + crypto.randomUUID().slice(15);
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
