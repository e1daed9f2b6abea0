import { Conflict } from "./contracts.ts";

export function hashTaken(): Conflict {
  return new Conflict("hash", "a key with this hash is there already");
}

/** Does one look-up prefix begin like the other? */
export function prefixesOverlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** One candidate for each call: a key must not fit two of them. */
export function prefixTaken(): Conflict {
  return new Conflict("prefix", "another imported key begins like this, or this begins like another one");
}
