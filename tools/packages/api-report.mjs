// What the library exports, as text that is committed: a change of the API shows in the diff of a commit.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "./stage.mjs";

const library = join(root, "packages/countersign");
const reports = join(root, "docs/api");

/** Writes the reports, or tells where they differ from what is committed. */
export function reportProblems({ update }) {
  const made = reportsOf();
  if (update) {
    mkdirSync(reports, { recursive: true });
    for (const [file, text] of made) writeFileSync(join(reports, file), text);
    return [];
  }
  const differing = [...made]
    .filter(([file, text]) => textOf(join(reports, file)) !== text)
    .map(([file]) => file);
  const gone = existsSync(reports) ? readdirSync(reports).filter((file) => !made.has(file)) : [];
  return [...differing, ...gone].map(
    (file) =>
      `docs/api/${file} is not what the library exports: npm run check:packages -- --update, and look at the diff`,
  );
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** A file for each entry of the library. */
function reportsOf() {
  const { exports } = JSON.parse(readFileSync(join(library, "package.json"), "utf8"));
  const entries = Object.entries(exports).flatMap(([path, { types } = {}]) =>
    types === undefined ? [] : [[path, join(library, types)]],
  );
  const program = ts.createProgram(
    entries.map(([, file]) => file),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2024,
    },
  );
  const checker = program.getTypeChecker();
  return new Map(
    entries.map(([path, file]) => [fileOf(path), reportOf(path, program.getSourceFile(file), checker)]),
  );
}

function fileOf(path) {
  return `${path === "." ? "index" : path.slice(2).replaceAll("/", "-")}.api.ts.txt`;
}

function reportOf(path, source, checker) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
  const lines = symbols
    .map((symbol) => [symbol.name, declarationOf(symbol, checker)])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text);
  return `// "countersign${path.slice(1)}"\n\n${lines.join("\n\n")}\n`;
}

/** As it stands in the declarations, without comments: those may change freely. */
function declarationOf(symbol, checker) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const texts = (target.declarations ?? []).map((declaration) => {
    const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    return withoutComments(statement);
  });
  const renamed = target.name === symbol.name ? "" : `// as ${symbol.name}\n`;
  return renamed + texts.join("\n");
}

const printer = ts.createPrinter({ removeComments: true });

function withoutComments(node) {
  return printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replace(/^export (declare )?/gm, "");
}
