/**
 * Throws a `TypeError` for options that nobody knows. Reachable from JavaScript, and by an object that is spread: a name that is
 * mistyped must not leave the default in force. `whose`: as it reads before "has no option".
 */
export function requireKnown(whose: string, given: object, known: readonly string[]): void {
  const stray = Object.keys(given).filter((name) => !known.includes(name));
  if (stray.length > 0)
    throw new TypeError(`${whose} has no option ${stray.join(", ")}: it takes ${known.join(", ")}`);
}
