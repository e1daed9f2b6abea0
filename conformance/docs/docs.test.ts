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

test("every TypeScript block has good types", () => {
  nothing(typeErrors(blocks.filter((block) => block.language === "ts" && !isCopy(block))));
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
        return problem === undefined || /a command is missing|missing required argument|required option/.test(problem)
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
  const bad = (info: string, code: string): readonly string[] => {
    const page = readPage("docs/bad.md", `\`\`\`${info}\n${code}\n\`\`\`\n`);
    return [
      ...page.blocks.flatMap(problemsOf),
      ...typeErrors(page.blocks.filter(({ language }) => language === "ts")),
    ];
  };
  const wrong: readonly (readonly [info: string, code: string])[] = [
    ["", "no language"],
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
  for (const [info, code] of wrong) assert.notDeepEqual(bad(info, code), [], `${info}: ${code}`);
  const page = readPage("docs/bad.md", "[a](no.md) [b](reasons.md#no) `docs/no.md` [c](#here)\n");
  assert.equal([...brokenLinks(page, byPath), ...missingFiles(page)].length, 4);
});
