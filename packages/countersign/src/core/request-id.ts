/** What ids of one millisecond have in common; and a count, of which each of them has a value. */
let millisecond: number;
let time: string;
let tail: string;
let count = 0;

/**
 * A new id: a UUID of version 7 (RFC 9562 section 5.7), so that ids in an index stand in the order of time. Those of one
 * millisecond are counted (section 6.2, method 1) before one random part: chance is dear, and an id proves nothing.
 */
export function newRequestId(now: number = Date.now()): string {
  count = (count + 1) & 0xfff;
  if (now !== millisecond || count === 0) {
    millisecond = now;
    time = now.toString(16).padStart(12, "0").replace(/.{8}/, "$&-");
    tail = crypto.randomUUID().slice(18);
  }
  return `${time}-7${count.toString(16).padStart(3, "0")}${tail}`;
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
  const [id = "", another] = received;
  return another === undefined && wellFormed.test(id) ? id : newRequestId();
}
