/** What ids of one millisecond have in common; a count, of which each id has a value; and what is drawn by chance. */
let millisecond: number;
let time: string;
let count = -1;
let tail: string;

/**
 * A new id: a UUID of version 7 (RFC 9562 section 5.7), so that ids in an index stand in the order of time. They are counted
 * (section 6.2, method 1) before a random part that 4,096 of them share, whatever the clock does: chance is dear, and an id
 * proves nothing.
 */
export function newRequestId(now: number = Date.now()): string {
  count = (count + 1) & 0xfff;
  if (count === 0) tail = crypto.randomUUID().slice(18);
  if (now !== millisecond) {
    millisecond = now;
    time = (now + 2 ** 48).toString(16).replace(/.(.{8})(.*)/, "$1-$2-");
  }
  return time + (count + 0x7000).toString(16) + tail;
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
  const [id = ""] = received;
  return received.length === 1 && wellFormed.test(id) ? id : newRequestId();
}
