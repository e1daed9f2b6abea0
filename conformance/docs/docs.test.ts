import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { problemOf } from "./command-line.ts";
import { blockChecks } from "./data-blocks.ts";
import { brokenLinks, missingFiles, namedCommands } from "./links.ts";
import { allPages, type Block, readPage, root } from "./pages.ts";
import { commandsOf } from "./shell.ts";
import { typeErrors } from "./typescript-blocks.ts";

const pages = allPages();
const byPath = new Map(pages.map((page) => [page.path, page]));
const blocks = pages.flatMap((page) => page.blocks);
/** Blocks with a mistake each. */
const wrong: readonly (readonly [info: string, code: string])[] = [
  ["", "countersign keys list"],
  ["", "grpc: { listen: 127.0.0.1:1 }"],
  ["cobol", "DISPLAY"],
  ["ts", 'import { noSuchThing } from "countersign";'],
  ["ts", "const port: number = process.env.PORT;"],
  ["yaml", "grcp: { listen: 127.0.0.1:1 }"],
  ["yaml kind=policy", "rules: { /a.B/C: opne }"],
  ["yaml kind=helm", "replicas: { of: what }"],
  ["json", "{ a: 1 }"],
  ["csv", "a,b\n1,2,3"],
  ["proto", 'syntax = "proto3";\nmessage A { B b = 1; }'],
  ["sh", "if true"],
  ["sh", "countersign keys crate --user alice"],
  ["sh", "npx countersign keys create --usr alice"],
  ["sh", 'KEY="$(countersign keys show)"'],
  ["sh", "cd x && countersign users show a b"],
  ["sh", "npm run no-such-script"],
  ["python", "def f(:"],
  ["go", "package main\nfunc main() { x := 1 }"],
];
const badText = wrong.map(([info, code]) => `\`\`\`${info}\n${code}\n\`\`\`\n`).join("");
const badBlocks = readPage("docs/bad.md", badText).blocks;
const isCopy = ({ marks }: Block): boolean => marks.has("file");

function nothing(problems: readonly string[]): void {
  if (problems.length > 0) assert.fail(`\n${problems.join("\n")}`);
}

test("there are pages and blocks to look at", () => {
  assert.ok(byPath.has("README.md") && byPath.has("docs/configuration.md"));
  assert.ok(blocks.length > 60, String(blocks.length));
});

test("a block that names a file is that file", () => {
  for (const { where, marks, code } of blocks.filter(isCopy)) {
    assert.equal(code, readFileSync(`${root}${marks.get("file")}`, "utf8"), where);
  }
});

// All in one program, the bad ones too.
const types = typeErrors(
  [...blocks, ...badBlocks].filter((block) => block.language === "ts" && !isCopy(block)),
);

test("every TypeScript block has good types", () => {
  nothing(types.filter((problem) => !problem.startsWith("docs/bad.md:")));
});

test("every page is on the map", () => {
  const map = byPath.get("docs/index.md")?.text ?? "";
  const missing = pages.filter(
    ({ path }) => /^docs\/(?!index)/.test(path) && !map.includes(`](${path.slice(5)}`),
  );
  nothing(missing.map(({ path }) => `${path} is not linked from docs/index.md`));
});

for (const page of pages) {
  test(`what ${page.path} shows can be read by what it is for`, () => {
    nothing(page.blocks.filter((block) => !isCopy(block)).flatMap(problemsOf));
  });
}

test("links lead somewhere, and files that are named are there", () => {
  nothing(pages.flatMap((page) => [...brokenLinks(page, byPath), ...missingFiles(page)]));
});

test("commands that are named in text are commands", () => {
  const named = pages.flatMap(namedCommands);
  nothing(
    named.flatMap(({ where, text }) =>
      commandsOf(text).flatMap((words) => {
        const problem = problemOf(words);
        return problem === undefined ||
          /a command is missing|missing required argument|required option/.test(problem)
          ? []
          : [`${where}: ${text}: ${problem}`];
      }),
    ),
  );
});

function problemsOf(block: Block): readonly string[] {
  const check = blockChecks[block.language];
  if (check === undefined) return [`${block.where}: "${block.language}" is no language that is checked`];
  try {
    return check(block).map((problem) => `${block.where}: ${problem}`);
  } catch (error) {
    return [`${block.where}: ${error instanceof Error ? error.message : error}`];
  }
}

test("the checks find what is wrong", () => {
  for (const [index, block] of badBlocks.entries()) {
    const found = [...problemsOf(block), ...ofPages(types, block)];
    assert.notDeepEqual(found, [], wrong[index]?.join(": "));
  }
  const page = readPage("docs/bad.md", "[a](no.md) [b](reasons.md#no) `docs/no.md` [c](#here)\n");
  assert.equal([...brokenLinks(page, byPath), ...missingFiles(page)].length, 4);
});

test("commands are found wherever they stand in a shell text", () => {
  const found: readonly (readonly [text: string, ...commands: readonly (readonly string[])[]])[] = [
    ["a b # c\n  d", ["a", "b"], ["d"]],
    ["X=1 a 'b c' \"d $X\" > out 2>&1 < in | e && f; g", ["a", "b c", "d $X"], ["e"], ["f"], ["g"]],
    ["a \\\n  b#c", ["a", "b#c"]],
    ['export X="$(a "b")" Y=$(c | d)', ["a", "b"], ["c"], ["d"]],
    ["if a; then ! b; fi", ["a"], ["b"], ["fi"]],
    ["(a; b) & c", ["a"], ["b"], ["c"]],
  ];
  for (const [text, ...commands] of found) assert.deepEqual(commandsOf(text), commands, text);
  for (const text of ["a 'b", 'a "b', "a $(b", "a << c"]) assert.throws(() => commandsOf(text), text);
});

/** Type errors that stand in a block. */
function ofPages(problems: readonly string[], { page, line, code }: Block): readonly string[] {
  const last = line + code.split("\n").length;
  return problems.filter((problem) => {
    const [path, at] = problem.split(":");
    return path === page && Number(at) >= line && Number(at) < last;
  });
}
