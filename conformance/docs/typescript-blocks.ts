import { dirname, join } from "node:path";
import ts from "typescript";
import { type Block, root } from "./pages.ts";

/** Checks the types of all blocks in one program, under the repository's own options. Returns what is wrong, by `PAGE:LINE`. */
export function typeErrors(blocks: readonly Block[]): readonly string[] {
  const sources = new Map(
    blocks.map((block) => [join(root, "examples", fileName(block)), { block, text: moduleOf(block) }]),
  );
  const options = optionsOf();
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists.call(host, path);
  host.readFile = (path) => sources.get(path)?.text ?? readFile.call(host, path);
  host.getSourceFile = (path, language, ...rest) => {
    const own = sources.get(path);
    return own === undefined
      ? getSourceFile.call(host, path, language, ...rest)
      : ts.createSourceFile(path, own.text, language);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources].flatMap(([path, { block }]) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ file, start = 0, messageText }) => {
        // The first line of the module is that of the fence.
        const line = block.line + (file?.getLineAndCharacterOfPosition(start).line ?? 0);
        return `${block.page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
      },
    );
  });
}

const fileName = ({ page, line }: Block): string => `${page.replace(/\W/g, "_")}.${line}.ts`;

/** What is given stands on one line, in the place of the fence; a block is a module, whether it exports anything or not. */
function moduleOf({ given, code }: Block): string {
  return `${given.replaceAll("\n", " ")}\n${code}export {};\n`;
}

function optionsOf(): ts.CompilerOptions {
  const path = join(root, "tsconfig.json");
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options, errors } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    dirname(path),
  );
  const [error] = errors.filter(({ code }) => code !== 18002);
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, " "));
  // What a block declares is for whoever reads it.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}
