const longest = 2048;
const form = /^spiffe:\/\/[a-z0-9._-]{1,255}((?:\/[A-Za-z0-9._-]+)*)$/;

/** Is this a SPIFFE ID, to the letter (SPIFFE-ID section 2)? Of a workload it has a path. */
export function isSpiffeId(text: string, { path }: { readonly path: "required" | "optional" }): boolean {
  const match = text.length > longest ? null : form.exec(text);
  if (match === null) return false;
  const [, segments = ""] = match;
  if (segments === "") return path === "optional";
  return segments.split("/").every((segment) => segment !== "." && segment !== "..");
}

/** The trust domain and every folder above a SPIFFE ID, the nearest first. */
export function spiffeParents(id: string): readonly string[] {
  const parents: string[] = [];
  const root = "spiffe://".length;
  for (let end = id.lastIndexOf("/"); end > root; end = id.lastIndexOf("/", end - 1))
    parents.push(id.slice(0, end));
  return parents;
}
