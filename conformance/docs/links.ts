import { existsSync, globSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type Page, root } from "./pages.ts";

const link = /\[[^\]]*\]\(([^)\s]+)\)/g;
const span = /`([^`]+)`/g;

/** Links to pages and headings that are not there, by `PAGE:LINE`. Addresses elsewhere are not asked. */
export function brokenLinks(page: Page, pages: ReadonlyMap<string, Page>): readonly string[] {
  return found(page, link).flatMap(({ line, text }) => {
    if (/^(https?|mailto):/.test(text)) return [];
    const [path = "", anchor] = text.split("#");
    const target = path === "" ? page.path : normalize(join(dirname(page.path), path));
    if (!existsSync(join(root, target))) return [`${page.path}:${line}: ${text}: there is no ${target}`];
    const linked = pages.get(target);
    if (anchor === undefined || linked === undefined || anchorsOf(linked).has(anchor)) return [];
    return [`${page.path}:${line}: ${text}: ${target} has no heading of this name`];
  });
}

/** Where files may be that text names without their whole path. */
const bases = ["", "packages/countersign/src/", "packages/server/src/", "packages/countersign/", "proto/"];
const top = /^(docs|examples|packages|proto|conformance|deploy|tools|bench)\//;
const file = /^[\w.@-]+(\/[\w.@-]+)+\.(ts|md|json|proto|ya?ml|m?js|cjs|py|go|service|txt)$/;

/** Files named in backticks that are not there, by `PAGE:LINE`. */
export function missingFiles(page: Page): readonly string[] {
  return found(page, span).flatMap(({ line, text }) => {
    const isPath = /^[\w./@*{},-]+$/.test(text) && (top.test(text) || file.test(text));
    if (!isPath || text.includes("/dist/") || text.includes("node_modules")) return [];
    const there = [...bases, `${dirname(page.path)}/`].some(
      (base) => globSync(text, { cwd: join(root, base) }).length > 0,
    );
    return there ? [] : [`${page.path}:${line}: \`${text}\`: there is no such file`];
  });
}

/** Commands of the program that text names in backticks, by `PAGE:LINE`. */
export function namedCommands(page: Page): readonly { readonly where: string; readonly text: string }[] {
  return found(page, span)
    .filter(({ text }) => /^(npx )?countersign [a-z]/.test(text))
    .map(({ line, text }) => ({ where: `${page.path}:${line}`, text }));
}

function found(page: Page, pattern: RegExp): readonly { readonly line: number; readonly text: string }[] {
  // A span may go on in the next line: the text is searched as a whole.
  const text = page.prose.join("\n");
  return [...text.matchAll(pattern)].map((match) => ({
    line: text.slice(0, match.index).split("\n").length,
    text: (match[1] ?? "").replace(/\s+/g, " "),
  }));
}

const anchors = new Map<string, ReadonlySet<string>>();

/** As GitHub makes them of headings. */
function anchorsOf(page: Page): ReadonlySet<string> {
  const known = anchors.get(page.path);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const line of page.prose) {
    const heading = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
    const name = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    let [unique, count] = [name, 0];
    while (names.has(unique)) unique = `${name}-${++count}`;
    names.add(unique);
  }
  anchors.set(page.path, names);
  return names;
}
