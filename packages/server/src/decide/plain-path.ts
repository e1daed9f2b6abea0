/** Longer paths are nobody's. */
const longestPath = 4096;

/** Visible ASCII, without what some servers cut off or turn round: fragment, parameters of a segment, backslash. */
const visible = /^\/[!"$-:<-[\]-~]*$/;

/** Encoded: what tells segments, queries and files apart, what decoding twice would make of it, and control characters. */
const dangerous = /%(?![0-9a-f]{2})|%(?:[01][0-9a-f]|2[35ef]|3[bf]|5c|7f)/i;

/**
 * Does every server read this path as it is written? Nothing is normalised here: what a proxy or a service would have to
 * resolve first (`..`, `//`, `%2f`, `;`, a backslash, NUL) leads to no rule, so that none of them is asked about one path
 * and serves another.
 */
export function isPlainPath(path: string): boolean {
  if (path.length > longestPath || !visible.test(path) || dangerous.test(path)) return false;
  if (path.includes("%") && !isText(path)) return false;
  const [, ...segments] = path.split("/");
  return segments.every(
    (segment, index) =>
      segment !== "." && segment !== ".." && (segment !== "" || index === segments.length - 1),
  );
}

/** UTF-8, in its one spelling: `%c0%ae` is a dot to some. */
function isText(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
