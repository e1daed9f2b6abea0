import { Conflict } from "./contracts.ts";

export function hashTaken(): Conflict {
  return new Conflict("hash", "a key with this hash is there already");
}

/** One candidate for each call: a key must not fit two of them. */
export function prefixTaken(): Conflict {
  return new Conflict("prefix", "another imported key begins like this, or this begins like another one");
}
