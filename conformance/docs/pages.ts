import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block of a page. */
export interface Block {
  /** `PAGE:LINE`, of the fence. */
  readonly where: string;
  readonly page: string;
  /** Of the fence, from 1. */
  readonly line: number;
  /** The first word behind the fence. Empty if there is none. */
  readonly language: string;
  /** The other words: `run` is `true`, `file=PATH` is `PATH`. */
  readonly marks: ReadonlyMap<string, string | true>;
  readonly code: string;
  /** What stands in the comment `<!-- given: … -->` before it: what it needs that is declared elsewhere. */
  readonly given: string;
}

/** A Markdown file of the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Outside of blocks and comments, line by line, so that numbers of lines are those of the file. */
  readonly prose: readonly string[];
}

const patterns = [
  "*.md",
  "docs/*.md",
  "packages/*/README.md",
  "deploy/**/README*.md",
  "examples/**/README*.md",
] as const;

/** Every page, in the order of their paths. */
export function allPages(): readonly Page[] {
  const paths = globSync([...patterns], { cwd: root, exclude: (name) => name === "node_modules" });
  return paths.sort().map((path) => readPage(path, readFileSync(`${root}${path}`, "utf8")));
}

const fence = /^(\s*)```(.*)$/;
const given = /^<!-- given:((?:(?!-->)[\s\S])*)-->\s*$/;

/** Throws for a block that does not end. */
export function readPage(path: string, text: string): Page {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { indent: string; info: string; line: number } | undefined;
  let code: string[] = [];
  for (const [index, line] of lines.entries()) {
    const [, indent = "", info = ""] = fence.exec(line) ?? [];
    if (open === undefined && fence.test(line)) {
      open = { indent, info: info.trim(), line: index + 1 };
      code = [];
    } else if (open !== undefined && line.trim() === "```") {
      const before = lines.slice(0, open.line - 1).join("\n");
      blocks.push(blockOf(path, open, { code, before }));
      open = undefined;
    } else if (open !== undefined) {
      code.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
      prose.push("");
      continue;
    } else {
      prose.push(line);
      continue;
    }
    prose.push("");
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a block that does not end`);
  return { path, text, blocks, prose: withoutComments(prose) };
}

function blockOf(
  page: string,
  { info, line }: { readonly info: string; readonly line: number },
  { code, before }: { readonly code: readonly string[]; readonly before: string },
): Block {
  const [language = "", ...words] = info.split(/\s+/);
  const marks = new Map(
    words.map((word): [string, string | true] => {
      const [name = "", ...value] = word.split("=");
      return [name, value.length === 0 ? true : value.join("=")];
    }),
  );
  return {
    where: `${page}:${line}`,
    page,
    line,
    language,
    marks,
    code: code.map((each) => `${each}\n`).join(""),
    given: given.exec(before.slice(Math.max(0, before.lastIndexOf("<!--"))))?.[1]?.trim() ?? "",
  };
}

/** Comments are no text for readers; their lines stay, empty. */
function withoutComments(prose: readonly string[]): readonly string[] {
  return prose
    .join("\n")
    .replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ""))
    .split("\n");
}
